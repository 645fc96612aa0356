"""Every Lambda function with its caller and its permissions, as data for the CDK app and the laptop cloud."""

import re
from dataclasses import dataclass, replace
from enum import Enum, auto

from infra.grants import ANSWER, DESCRIBE, LIST, NOTHING, START, STOP, Grants, Updates
from infra.secrets import (
    CURSOR_KEY,
    PAYMENT_SECRETS,
    PROVENANCE_SECRETS,
    PROVIDER_KEYS,
    ROTATED_SECRETS,
    VERIFICATION_KEYS,
)
from infra.tables import RECORDS
from infra.workers import GRANT, STEP_UPDATES, STEPS, VERIFICATION
from shared.assets.record import ASSETS, QUARANTINE, AssetRecord, VerificationsRecord
from shared.audit.record import AuditEntryRecord
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
from shared.jobs.keys import JOBS, POLLS, WORK
from shared.jobs.record import JobRecord, JobSpecRecord, StepResultRecord, StepTicketRecord, StepTokenRecord
from shared.keys.record import ApiKeyRecord
from shared.mail.record import MailMarkRecord
from shared.members.record import MemberRecord
from shared.organizations.record import InviteRecord, OrganizationRecord, SlugClaimRecord
from shared.presets.record import PresetRecord
from shared.projects.record import ProjectRecord
from shared.providers.record import ProviderStateRecord
from shared.quotas.record import QuotaRecord
from shared.shares.record import ShareRecord
from shared.slots.record import SlotsRecord, WaitingRecord
from shared.stages.engines import ENGINES, Runs
from shared.stages.queues import (
    BILLING_QUEUE,
    BILLING_SECONDS,
    CALLER_SECONDS,
    FAN_OUT_QUEUE,
    FAN_OUT_SECONDS,
    IMPORT_QUEUE,
    IMPORT_SECONDS,
    NOTICE_QUEUE,
    NOTICE_SECONDS,
    REMOTE_ENGINE_SECONDS,
    REMOTE_QUEUE,
    VERIFICATION_QUEUE,
    VERIFICATION_VISIBILITY_SECONDS,
    WEBHOOKS_QUEUE,
    WEBHOOKS_SECONDS,
)
from shared.stages.stages import Stage
from shared.subscriptions.record import SubscriptionRecord
from shared.switches.record import EngineSwitchRecord
from shared.upkeep.record import PassRecord
from shared.users.record import EmailClaimRecord, RegistrationRecord, UserRecord
from shared.webhooks.record import WebhookDeliveryRecord, WebhookRecord

FUNCTION_SECONDS = 29  # default timeout: API Gateway does not wait longer
RECONCILE_EVERY_SECONDS = 60
UPKEEP_EVERY_SECONDS = 3600  # a pass begins once a day; a long pass takes several runs
QUARANTINE_EVERY_SECONDS = 300
PACE_EVERY_SECONDS = 300
ALIAS = "live"  # callers call this alias, which names a published version
FILM_SECONDS = 780  # maximum wait of the canary for its film; Lambda's maximum timeout is 900 s


class Rollout(Enum):
    """The way in which a deployment moves the calls of a function to its new version."""

    GRADUAL = auto()  # as `traffic_shift` of the environment says, while alarms watch the new version
    AT_ONCE = auto()  # for schedules: an alarm would see too few calls during the shift
    UNVERSIONED = auto()  # the function has no alias: its caller is configured with the ARN of the function itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """The function `{prefix}-{name}`."""

    name: str
    handler: str  # `module:attribute`
    may: Grants = NOTHING
    seconds: int = FUNCTION_SECONDS  # timeout
    every_seconds: int = 0  # interval of its schedule
    memory_mb: int = 512  # Lambda gives processor time in proportion to memory
    snap_start: bool = False  # starts from a snapshot if the environment has `snap_start`
    # It sends messages to the queue that it reads. Lambda would stop it after 16 of them in a chain.
    loops: bool = False
    rollout: Rollout = Rollout.GRADUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class RestDomain:
    """The function behind `/api/{name}`; `public` routes need no access token."""

    name: str
    may: Grants
    public: frozenset[str] = frozenset()  # "POST /api/auth/login", "GET /api/presets/{preset_id}"
    beside: frozenset[str] = frozenset()  # words in the place of a public route's parameter that name other routes
    keys: tuple[type[ApiKeyRecord], ...] = (ApiKeyRecord,)  # read for callers with a key; none for public routes only
    snap_start: bool = False  # a snapshot costs $8 a month; only a start that a creator waits for often is worth it

    def is_public(self, method: str, path: str) -> bool:
        """Return whether the request needs no access token. API Gateway prefers a word to a parameter."""
        words = self.beside & set(path.split("/"))
        return any(
            re.fullmatch(re.sub(r"{\w+}", "[^/]+", route), f"{method} {path}") and not ("{" in route and words)
            for route in self.public
        )

    @property
    def handler(self) -> str:
        return f"functions.{self.name}.handler:handler"

    @property
    def function(self) -> Function:
        """The domain's function, which also counts requests. Memory and snapshot shorten its start for creators."""
        counting = replace(
            self.may,
            reads=(*self.may.reads, QuotaRecord),
            writes=(*self.may.writes, QuotaRecord),
            gets=(*self.may.gets, *self.keys),
        )
        return Function(
            name=f"rest-{self.name}", handler=self.handler, may=counting, memory_mb=1024, snap_start=self.snap_start
        )


REST_DOMAINS: tuple[RestDomain, ...] = (
    RestDomain(
        name="auth",
        may=Grants(
            reads=(
                UserRecord, EmailClaimRecord, RegistrationRecord, PasswordRecord, PasswordResetRecord,
                RefreshFamilyRecord, GuessesRecord, AccountRecord, SubscriptionRecord, MemberRecord,
                OrganizationRecord, ApiKeyRecord, MailMarkRecord,
            ),
            writes=(
                UserRecord, EmailClaimRecord, RegistrationRecord, PasswordRecord, PasswordResetRecord,
                RefreshFamilyRecord, GuessesRecord, AccountRecord, LedgerRecord, SocketTicketRecord, ApiKeyRecord,
                ErasureRecord, MemberRecord, OrganizationRecord, SlugClaimRecord, AuditEntryRecord,
            ),
            secrets=("access-token-signing-key", "refresh-token-key"),
            sends=(FAN_OUT_QUEUE,),  # the end of a session, which closes its sockets
            mails=True,
            seals=True,  # the secrets of second factors
            unseals=True,
        ),
        keys=(),  # it has all of them
        snap_start=True,
        public=frozenset(
            {
                "POST /api/auth/register", "POST /api/auth/verify-email", "POST /api/auth/forgot-password",
                "POST /api/auth/reset-password", "POST /api/auth/login", "POST /api/auth/refresh",
                "POST /api/auth/logout",
            }
        ),
    ),
    RestDomain(
        name="projects",
        may=Grants(
            reads=(ProjectRecord, SubscriptionRecord, MemberRecord, IdempotencyRecord),
            writes=(ProjectRecord, IdempotencyRecord),
            secrets=("media-signing-key", CURSOR_KEY),
        ),
        snap_start=True,
    ),
    RestDomain(
        name="teams",
        may=Grants(
            reads=(
                OrganizationRecord, MemberRecord, InviteRecord, AuditEntryRecord, UserRecord, ProjectRecord,
                AssetRecord, AccountRecord, SpendingRecord, IdempotencyRecord, MailMarkRecord, WebhookRecord,
            ),
            writes=(
                OrganizationRecord, SlugClaimRecord, MemberRecord, InviteRecord, AuditEntryRecord, AccountRecord,
                LedgerRecord, IdempotencyRecord,
            ),
            puts=(ErasureRecord,),
            secrets=(CURSOR_KEY,),
            mails=True,
        ),
    ),
    RestDomain(
        name="jobs",
        may=Grants(
            reads=(
                JobRecord, JobSpecRecord, StepResultRecord, StepTokenRecord, StepTicketRecord, ProjectRecord,
                AssetRecord, HoldRecord, SubscriptionRecord, IdempotencyRecord, SlotsRecord, WaitingRecord,
                MemberRecord, AccountRecord, SpendingRecord, PassRecord, EngineSwitchRecord, PresetRecord, ShareRecord,
                UserRecord,
            ),
            gets=(ProviderStateRecord,),  # a provider that is not available is not chosen
            writes=(
                JobRecord, JobSpecRecord, StepResultRecord, StepTokenRecord, ProjectRecord,
                AssetRecord, HoldRecord, AccountRecord, LedgerRecord, IdempotencyRecord, SlotsRecord, WaitingRecord,
                SpendingRecord, ShareRecord,
            ),
            puts=(ProviderChargeRecord,),
            secrets=("media-signing-key", CURSOR_KEY),
            secrets_described=PROVIDER_KEYS,
            media_reads=(JOBS, WORK),
            media_writes=(JOBS, WORK),  # copies for the jobs that start from an older one
            media_deletes=(JOBS, WORK),
            executions=(START, STOP),
        ),
        snap_start=True,
    ),
    RestDomain(
        name="assets",
        may=Grants(
            reads=(
                AssetRecord, VerificationsRecord, JobRecord, ProjectRecord, MemberRecord, SubscriptionRecord,
                IdempotencyRecord, StepResultRecord,
            ),
            writes=(AssetRecord, VerificationsRecord, IdempotencyRecord, MediaGrantRecord),
            secrets=("media-signing-key", CURSOR_KEY),
            media_writes=(QUARANTINE,),  # for the upload form, which it signs, and for copies of films
            media_reads=(JOBS,),  # to copy what a job has delivered
            media_deletes=(QUARANTINE, ASSETS),
            sends=(VERIFICATION_QUEUE, IMPORT_QUEUE),
        ),
        snap_start=True,
    ),
    RestDomain(
        name="engines",
        may=Grants(reads=(EngineSwitchRecord, PassRecord), secrets_described=PROVIDER_KEYS),
        public=frozenset({"GET /api/engines"}),  # the landing page shows them
        keys=(),
    ),
    RestDomain(
        name="presets",
        may=Grants(
            reads=(PresetRecord, MemberRecord, IdempotencyRecord),
            gets=(UserRecord,),  # whether the caller is a platform admin
            puts=(AuditEntryRecord,),
            writes=(PresetRecord, IdempotencyRecord),
        ),
        public=frozenset({"GET /api/presets", "GET /api/presets/{preset_id}"}),
        beside=frozenset({"own"}),
    ),
    RestDomain(
        name="shares",
        may=Grants(
            reads=(ShareRecord, JobRecord, StepResultRecord, MemberRecord),
            gets=(UserRecord,),  # whether the caller is a platform admin
            puts=(AuditEntryRecord,),
            writes=(ShareRecord,),
            secrets=("media-signing-key",),
        ),
        public=frozenset({"GET /api/shares/{share_id}"}),
    ),
    RestDomain(  # the probe keeps it warm
        name="health", may=Grants(gets=(PassRecord,)), public=frozenset({"GET /api/health"}), keys=()
    ),
    RestDomain(
        name="billing",
        may=Grants(
            reads=(
                SubscriptionRecord, AccountRecord, LedgerRecord, JobRecord, AssetRecord, MemberRecord,
                IdempotencyRecord,
            ),
            writes=(SubscriptionRecord, IdempotencyRecord),
            secrets=(*PAYMENT_SECRETS, CURSOR_KEY),
            sends=(BILLING_QUEUE,),  # the events of Stripe
        ),
        public=frozenset({"POST /api/billing/webhook"}),  # its signature proves its origin
    ),
    RestDomain(
        name="webhooks",
        may=Grants(
            reads=(WebhookRecord, WebhookDeliveryRecord, MemberRecord),
            writes=(WebhookRecord, WebhookDeliveryRecord, MemberRecord, AuditEntryRecord),
            secrets=(CURSOR_KEY,),
            sends=(WEBHOOKS_QUEUE,),
            seals=True,
        ),
    ),
    RestDomain(
        name="admin",
        may=Grants(
            reads=(
                UserRecord, EmailClaimRecord, PasswordRecord, AuditEntryRecord, EngineSwitchRecord, AccountRecord,
                HoldRecord, JobRecord, StepResultRecord, MediaGrantRecord, SlotsRecord, WaitingRecord,
                IdempotencyRecord,
            ),
            gets=(JobSpecRecord, StepTicketRecord),
            puts=(ProviderChargeRecord,),
            scans=(UserRecord,),
            writes=(
                UserRecord, PasswordRecord, AuditEntryRecord, EngineSwitchRecord, AccountRecord, LedgerRecord,
                IdempotencyRecord, JobRecord, HoldRecord, SpendingRecord, SlotsRecord, WaitingRecord,
            ),
            secrets=(CURSOR_KEY,),
            sends=(FAN_OUT_QUEUE,),  # the end of a user's sockets
            executions=(START, STOP),
        ),
    ),
    RestDomain(
        name="settings",
        may=Grants(
            reads=(
                UserRecord, EmailClaimRecord, PasswordRecord, GuessesRecord, AssetRecord, MailMarkRecord,
            ),
            gets=(PresetRecord,),
            writes=(UserRecord, RegistrationRecord, GuessesRecord),
            secrets=("media-signing-key",),
            mails=True,
        ),
    ),
    RestDomain(name="errors", may=NOTHING, public=frozenset({"POST /api/errors"}), keys=()),
)  # fmt: skip

AUTHORIZER = Function(
    name="authorizer",
    handler="functions.authorizer.handler:handler",
    may=Grants(
        secrets=(VERIFICATION_KEYS,),
        gets=(ApiKeyRecord, SocketTicketRecord),
        updates=(Updates(ApiKeyRecord, ("key_id", "last_used_at")), Updates(SocketTicketRecord)),
    ),
    memory_mb=1024,
    snap_start=True,
)

# Grants for `shared/jobs/settlement.py`, which checks that the film exists, writes the job's state and its credits, and
# admits the next job.
_SETTLES = Grants(
    reads=(JobRecord, StepResultRecord, MediaGrantRecord, HoldRecord, SlotsRecord, WaitingRecord, ProjectRecord),
    writes=(
        JobRecord,
        HoldRecord,
        AccountRecord,
        LedgerRecord,
        SpendingRecord,
        SlotsRecord,
        WaitingRecord,
        ProjectRecord,
    ),
    gets=(JobSpecRecord, StepTicketRecord),
    puts=(ProviderChargeRecord,),
    media_lists=(JOBS,),
    executions=(START,),
)

# The state machine, queues and schedules call these.
PIPELINE: tuple[Function, ...] = (
    Function(
        name="pipeline-dispatch",
        handler="functions.pipeline.dispatch:handler",
        may=Grants(
            reads=(JobRecord, JobSpecRecord, StepResultRecord),
            writes=(JobRecord, StepTokenRecord, MediaGrantRecord),
            gets=(StepTicketRecord, ProviderStateRecord),  # a provider that is not available is replaced
            puts=(StepResultRecord,),  # of jobs with test keys
            media_writes=(JOBS, WORK),
            dispatches=tuple(Stage),
            sends=(REMOTE_QUEUE,),
            executions=ANSWER,
            starts_workers=True,
        ),
    ),
    Function(name="pipeline-settle", handler="functions.pipeline.settle:handler", may=_SETTLES),
    Function(  # workers call it before they read or write media
        name=GRANT,
        handler="functions.pipeline.grant:handler",
        may=Grants(
            reads=(JobRecord, JobSpecRecord, StepResultRecord, AssetRecord, MediaGrantRecord),
            writes=(MediaGrantRecord,),
            lends_media=True,
        ),
        memory_mb=1024,  # a worker waits for it
    ),
    Function(  # reads the dead-letter queues of `QUEUES`
        name="pipeline-signal",
        handler="functions.pipeline.signal:handler",
        may=Grants(
            reads=(JobRecord, StepTokenRecord, AssetRecord),
            writes=(AssetRecord,),
            sends=(*(name for stage in Stage for name in (stage.queue, stage.priority_queue)), REMOTE_QUEUE),
            executions=ANSWER,
        ),
    ),
    Function(  # runs every minute, and when an execution ends badly
        name="pipeline-reconcile",
        handler="functions.pipeline.reconcile:handler",
        may=replace(
            _SETTLES,
            reads=(*_SETTLES.reads, StepTokenRecord),
            executions=(START, DESCRIBE, STOP, *ANSWER),
            measures_workers=True,
        ),
        seconds=RECONCILE_EVERY_SECONDS - 5,  # a longer sweep would overlap with the next one
        rollout=Rollout.AT_ONCE,
    ),
)

# A schedule calls these. A run continues the pass of the run before it.
_UPKEEP_SECONDS = 900  # Lambda's maximum timeout
_OF_JOBS = (JobSpecRecord, StepResultRecord, StepTokenRecord, StepTicketRecord)
_AUDITED = (
    *_OF_JOBS, JobRecord, HoldRecord, AccountRecord, UserRecord, EmailClaimRecord, IdempotencyRecord, AssetRecord,
    SlotsRecord, OrganizationRecord, SlugClaimRecord,
)  # fmt: skip
UPKEEP: tuple[Function, ...] = (
    Function(
        name="upkeep-sweep",
        handler="functions.upkeep.sweep:handler",
        may=Grants(
            reads=(JobRecord, StepResultRecord, AssetRecord, PassRecord),
            scans=_OF_JOBS,
            writes=(*_OF_JOBS, PassRecord),
            media_deletes=(JOBS, WORK, ASSETS, QUARANTINE),
        ),
        seconds=_UPKEEP_SECONDS,
        every_seconds=UPKEEP_EVERY_SECONDS,
        rollout=Rollout.AT_ONCE,
    ),
    Function(  # removes what an upload form stores after the verdict on its asset, or after the asset's deletion
        name="upkeep-quarantine",
        handler="functions.upkeep.sweep:quarantine",
        may=Grants(reads=(AssetRecord,), media_deletes=(QUARANTINE,)),
        seconds=QUARANTINE_EVERY_SECONDS - 5,
        rollout=Rollout.AT_ONCE,
        every_seconds=QUARANTINE_EVERY_SECONDS,
    ),
    Function(  # learns how long steps take, for quotes and estimated ends
        name="upkeep-pace",
        handler="functions.upkeep.pace:handler",
        may=Grants(reads=(JobRecord, JobSpecRecord, PassRecord), writes=(PassRecord,), executions=(LIST,)),
        rollout=Rollout.AT_ONCE,
        every_seconds=PACE_EVERY_SECONDS,
    ),
    Function(  # it searches all tables for accounts that are being deleted
        name="upkeep-erase",
        handler="functions.upkeep.erase:handler",
        may=Grants(
            reads=(
                *_SETTLES.reads,
                AccountRecord,
                LedgerRecord,
                AssetRecord,
                ProjectRecord,
                SubscriptionRecord,
                StepTokenRecord,
                StepTicketRecord,
                AuditEntryRecord,
                IdempotencyRecord,
                ErasureRecord,
                PassRecord,
            ),
            scans=RECORDS,
            writes=RECORDS,
            media_lists=(JOBS,),
            media_deletes=(JOBS, WORK, ASSETS, QUARANTINE),
            sends=(BILLING_QUEUE, NOTICE_QUEUE),
            executions=(START, STOP),
        ),
        seconds=_UPKEEP_SECONDS,
        every_seconds=UPKEEP_EVERY_SECONDS,
        rollout=Rollout.AT_ONCE,
    ),
    Function(
        name="upkeep-audit",
        handler="functions.upkeep.audit:handler",
        may=Grants(
            reads=(*_AUDITED, LedgerRecord, MemberRecord, WaitingRecord, PassRecord),
            scans=_AUDITED,
            writes=(PassRecord,),
            media_lists=(JOBS, WORK, ASSETS, QUARANTINE),
            media_versions=(JOBS, WORK, ASSETS, QUARANTINE),
        ),
        seconds=_UPKEEP_SECONDS,
        every_seconds=UPKEEP_EVERY_SECONDS,
        rollout=Rollout.AT_ONCE,
    ),
)

# Reads the remote engines' queue and runs steps at providers. It loads engines by the names in the catalogue.
REMOTE_ENGINES: tuple[Function, ...] = (
    Function(
        name="remote-engine",
        handler="workers.runtime.lambda_entry:handler",
        may=Grants(
            gets=(JobRecord, StepTokenRecord, StepTicketRecord, ProviderStateRecord),
            puts=(StepResultRecord,),
            updates=(STEP_UPDATES, Updates(StepTicketRecord), Updates(ProviderStateRecord)),
            secrets=PROVIDER_KEYS,
            calls=(GRANT,),
            sends=(REMOTE_QUEUE,),  # its own next poll
            executions=ANSWER,
        ),
        seconds=REMOTE_ENGINE_SECONDS,
        memory_mb=1024,
        loops=True,
    ),
)

# Read the queues of the stages and of the verification, if functions do the work (docs/adr/0076). They mostly wait.
STAGE_CALLER = Function(
    name="worker-steps",
    handler="workers.runtime.caller:handler",
    may=Grants(
        gets=(JobRecord, StepTokenRecord),
        updates=(STEP_UPDATES,),
        secrets=PROVENANCE_SECRETS,
        calls=(GRANT, STEPS),
        sends=tuple(name for stage in Stage for name in (stage.queue, stage.priority_queue)),  # hands tasks back
        executions=ANSWER,
    ),
    seconds=CALLER_SECONDS,
    memory_mb=256,
    loops=True,
)
VERIFICATION_CALLER = Function(
    name="worker-verification",
    handler="workers.verification.caller:handler",
    may=Grants(gets=(AssetRecord,), calls=(GRANT, VERIFICATION), sends=(VERIFICATION_QUEUE,)),
    seconds=VERIFICATION_VISIBILITY_SECONDS,
    memory_mb=256,
    loops=True,
)

# It has a URL of its own, which providers call. The API's stack has no room for another function.
PROVIDER_WEBHOOK = Function(
    name="provider-webhook",
    handler="functions.pipeline.provider_webhook:handler",
    may=Grants(gets=(StepTicketRecord,), media_reads=(f"{WORK}*/{POLLS}/",), sends=(REMOTE_QUEUE,)),
)
LOADED_BY_NAME: dict[str, frozenset[str]] = {
    "workers.runtime.lambda_entry:handler": frozenset(
        engine.code.partition(":")[0] for engine in ENGINES if engine.runs is Runs.REMOTE
    ),
    "functions.upkeep.erase:handler": frozenset(record.__module__ for record in RECORDS),
}

# WebSocket routes. API Gateway calls the authorizer before $connect. A message names its route in `type`.
SOCKET_ROUTES: dict[str, Function] = {
    "$connect": Function(
        name="socket-connect",
        handler="functions.realtime.connect:handler",
        may=Grants(
            reads=(RefreshFamilyRecord, ListenerRecord, SubscriptionRecord),
            writes=(ConnectionRecord, ListenerRecord),
            gets=(QuotaRecord,),
        ),
    ),
    "$disconnect": Function(
        name="socket-disconnect",
        handler="functions.realtime.disconnect:handler",
        may=Grants(reads=(ListenerRecord,), writes=(ConnectionRecord, ListenerRecord)),
    ),
    "$default": Function(
        name="socket-default",
        handler="functions.realtime.unknown:handler",
        may=Grants(reads=(ConnectionRecord,), sockets=True),
    ),
    "subscribe": Function(
        name="socket-subscribe",
        handler="functions.realtime.subscribe:handler",
        may=Grants(
            reads=(
                ConnectionRecord,
                JobRecord,
                JobSpecRecord,
                StepResultRecord,
                SlotsRecord,
                WaitingRecord,
                MemberRecord,
                PassRecord,
            ),
            writes=(ListenerRecord,),
            secrets=("media-signing-key",),
            sockets=True,
        ),
    ),
    "unsubscribe": Function(
        name="socket-unsubscribe",
        handler="functions.realtime.unsubscribe:handler",
        may=Grants(reads=(ConnectionRecord,), writes=(ListenerRecord,), sockets=True),
    ),
    "ping": Function(
        name="socket-ping",
        handler="functions.realtime.ping:handler",
        may=Grants(reads=(ConnectionRecord,), sockets=True),
    ),
}

# These read the stream of the jobs table.
JOBS_STREAM: tuple[Function, ...] = (
    Function(
        name="realtime-push",
        handler="functions.realtime.push:handler",
        may=Grants(
            reads=(ListenerRecord, StepResultRecord, MemberRecord),
            writes=(ConnectionRecord, ListenerRecord),
            secrets=("media-signing-key",),
            sends=(FAN_OUT_QUEUE, NOTICE_QUEUE),
            sockets=True,
        ),
    ),
)

# These read the same stream. Their events may be late, but none is lost.
WEBHOOKS_STREAM: tuple[Function, ...] = (
    Function(
        name="webhooks-notify",
        handler="functions.webhooks.notify:handler",
        may=Grants(
            reads=(WebhookRecord, WebhookDeliveryRecord, AccountRecord),
            writes=(WebhookDeliveryRecord,),
            sends=(WEBHOOKS_QUEUE,),
        ),
    ),
)

# These read the queue of deliveries, and send to the endpoints of accounts.
WEBHOOKS: tuple[Function, ...] = (
    Function(
        name="webhooks-deliver",
        handler="functions.webhooks.deliver:handler",
        may=Grants(
            reads=(WebhookRecord, WebhookDeliveryRecord, MemberRecord, UserRecord, MailMarkRecord),
            writes=(WebhookRecord, WebhookDeliveryRecord),
            sends=(WEBHOOKS_QUEUE,),  # the next try
            unseals=True,
            mails=True,
        ),
        seconds=WEBHOOKS_SECONDS,
        loops=True,
    ),
)

# These read the fan-out queue.
FAN_OUT: tuple[Function, ...] = (
    Function(
        name="realtime-fanout",
        handler="functions.realtime.fanout:handler",
        may=Grants(
            reads=(
                FanOutRecord,
                ListenerRecord,
                JobRecord,
                JobSpecRecord,
                StepResultRecord,
                SlotsRecord,
                WaitingRecord,
                MemberRecord,
                PassRecord,
            ),
            writes=(FanOutRecord, ConnectionRecord, ListenerRecord),
            secrets=("media-signing-key",),
            sends=(FAN_OUT_QUEUE,),  # the next page, and sockets that are late
            sockets=True,
        ),
        seconds=FAN_OUT_SECONDS,
        loops=True,
    ),
)

# These read the queue of billing events.
BILLING: tuple[Function, ...] = (
    Function(
        name="billing-events",
        handler="functions.billing.events:handler",
        may=Grants(
            reads=(SubscriptionRecord, AccountRecord, LedgerRecord),
            writes=(SubscriptionRecord, AccountRecord, LedgerRecord),
            secrets=("stripe-api-key",),
        ),
        seconds=BILLING_SECONDS,
    ),
)

# These read the queue of imports. They reach the internet, and decode nothing (docs/adr/0046).
IMPORTS: tuple[Function, ...] = (
    Function(
        name="assets-imports",
        handler="functions.assets.imports:handler",
        may=Grants(
            reads=(AssetRecord, VerificationsRecord, SubscriptionRecord),
            writes=(AssetRecord, VerificationsRecord, MediaGrantRecord),
            media_writes=(QUARANTINE,),
            sends=(VERIFICATION_QUEUE,),
        ),
        seconds=IMPORT_SECONDS,
        memory_mb=1024,
    ),
)

# These read the queue of notices.
NOTICES: tuple[Function, ...] = (
    Function(
        name="notices-send",
        handler="functions.notices.send:handler",
        may=Grants(reads=(JobRecord, UserRecord, AccountRecord, MailMarkRecord), writes=(MailMarkRecord,), mails=True),
        seconds=NOTICE_SECONDS,
    ),
)
# EventBridge calls it with the bounces and complaints of SES. Nothing bounces on the laptop.
MAIL_REFUSALS = Function(
    name="notices-refusals",
    handler="functions.notices.refusals:handler",
    may=Grants(writes=(MailMarkRecord,), reads=(MailMarkRecord,)),
    memory_mb=256,
    rollout=Rollout.AT_ONCE,
)

# The laptop cloud generates its own keys and has no operator, so it has neither rotation nor canary.
_RENEWS = Grants(secrets_renewed=(*ROTATED_SECRETS, VERIFICATION_KEYS), public_keys=True)
# CloudFormation refuses another ARN for the function of a custom resource.
ROTATION_BEGIN = Function(
    name="rotation-begin", handler="functions.rotation.begin:handler", may=_RENEWS, seconds=60,
    rollout=Rollout.UNVERSIONED,
)  # fmt: skip
ROTATION_ROTATE = Function(
    name="rotation-rotate", handler="functions.rotation.rotate:handler", may=_RENEWS, seconds=60,
    rollout=Rollout.UNVERSIONED,
)  # fmt: skip
CANARY = Function(
    name="canary",
    handler="functions.canary.handler:handler",
    may=Grants(reads=(RegistrationRecord,), puts=(RegistrationRecord,)),  # it receives no email
    seconds=FILM_SECONDS + 60,
    memory_mb=256,  # it mostly waits; its film has 1 to 2 MB
    rollout=Rollout.AT_ONCE,
)

# CloudWatch Logs calls it, if the environment has a Sentry DSN.
ERRORS_OF_WORKERS = Function(
    name="errors-workers", handler="functions.errors.workers:handler", memory_mb=256, rollout=Rollout.UNVERSIONED
)  # fmt: skip

ON_LAPTOP: tuple[Function, ...] = (
    AUTHORIZER,
    *(domain.function for domain in REST_DOMAINS),
    *SOCKET_ROUTES.values(),
    *PIPELINE,
    *UPKEEP,
    *REMOTE_ENGINES,
    PROVIDER_WEBHOOK,
    *JOBS_STREAM,
    *FAN_OUT,
    *BILLING,
    *WEBHOOKS_STREAM,
    *WEBHOOKS,
    *IMPORTS,
    *NOTICES,
)
FUNCTIONS: tuple[Function, ...] = (
    *ON_LAPTOP,
    MAIL_REFUSALS,
    ROTATION_BEGIN,
    ROTATION_ROTATE,
    CANARY,
    ERRORS_OF_WORKERS,
    STAGE_CALLER,
    VERIFICATION_CALLER,
)
