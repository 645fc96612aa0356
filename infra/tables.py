"""The records of all tables. The CDK app and the laptop cloud create the tables from them."""

from shared.assets.record import AssetRecord, VerificationsRecord
from shared.audit.record import AuditEntryRecord
from shared.aws.records import Record
from shared.charges.record import ProviderChargeRecord
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
from shared.presets.record import PresetRecord
from shared.projects.record import ProjectRecord
from shared.quotas.record import QuotaRecord
from shared.shares.record import ShareRecord
from shared.slots.record import SlotsRecord, WaitingRecord
from shared.subscriptions.record import SubscriptionRecord
from shared.switches.record import EngineSwitchRecord
from shared.upkeep.record import PassRecord
from shared.users.record import EmailClaimRecord, RegistrationRecord, UserRecord
from shared.webhooks.record import WebhookDeliveryRecord, WebhookRecord

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
    PresetRecord,
    ShareRecord,
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
    ProviderChargeRecord,
    AssetRecord,
    VerificationsRecord,
    EngineSwitchRecord,
    WebhookRecord,
    WebhookDeliveryRecord,
    ConnectionRecord,
    ListenerRecord,
    PassRecord,
    FanOutRecord,
    IdempotencyRecord,
)
