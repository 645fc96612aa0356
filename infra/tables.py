"""The records of all tables. The CDK app and the laptop cloud create the tables from them."""

from shared.assets.record import AssetRecord, VerificationsRecord
from shared.audit.record import AuditEntryRecord
from shared.aws.records import Record
from shared.connections.record import ConnectionRecord, FanOutRecord, ListenerRecord
from shared.credentials.record import (
    PasswordRecord,
    PasswordResetRecord,
    RefreshFamilyRecord,
    SocketTicketRecord,
)
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord, SpendingRecord
from shared.erasures.record import ErasureRecord
from shared.grants.record import MediaGrantRecord
from shared.guesses.record import GuessesRecord
from shared.idempotency.record import IdempotencyRecord
from shared.jobs.record import JobRecord, JobSpecRecord, StepResultRecord, StepTicketRecord, StepTokenRecord
from shared.keys.record import ApiKeyRecord
from shared.mail.record import MailMarkRecord
from shared.members.record import MemberRecord
from shared.organizations.record import InviteRecord, OrganizationRecord, SlugClaimRecord
from shared.projects.record import ProjectRecord
from shared.quotas.record import QuotaRecord
from shared.slots.record import SlotsRecord, WaitingRecord
from shared.subscriptions.record import SubscriptionRecord
from shared.upkeep.record import PassRecord
from shared.users.record import EmailClaimRecord, RegistrationRecord, UserRecord

RECORDS: tuple[type[Record], ...] = (
    UserRecord,
    EmailClaimRecord,
    RegistrationRecord,
    PasswordRecord,
    PasswordResetRecord,
    RefreshFamilyRecord,
    SocketTicketRecord,
    ApiKeyRecord,
    GuessesRecord,
    MailMarkRecord,
    ErasureRecord,
    QuotaRecord,
    OrganizationRecord,
    SlugClaimRecord,
    MemberRecord,
    InviteRecord,
    AuditEntryRecord,
    ProjectRecord,
    JobRecord,
    JobSpecRecord,
    StepTokenRecord,
    StepTicketRecord,
    StepResultRecord,
    MediaGrantRecord,
    SlotsRecord,
    WaitingRecord,
    SubscriptionRecord,
    AccountRecord,
    HoldRecord,
    LedgerRecord,
    SpendingRecord,
    AssetRecord,
    VerificationsRecord,
    ConnectionRecord,
    ListenerRecord,
    PassRecord,
    FanOutRecord,
    IdempotencyRecord,
)
