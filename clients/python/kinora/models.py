"""Models of the API. `python -m tools.client` writes them from docs/openapi.json and docs/asyncapi.json."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, SkipValidation

from .model import Model

AccountRole = SkipValidation[Literal["OWNER", "ADMIN", "MEMBER", "VIEWER"]]
AssetStatus = SkipValidation[Literal["PENDING", "VERIFYING", "READY", "REJECTED"]]
AssetType = SkipValidation[Literal["IMAGE", "VIDEO", "AUDIO", "OTHER"]]
AuditAction = SkipValidation[
    Literal[
        "organization.created",
        "organization.renamed",
        "organization.transferred",
        "organization.deleted",
        "credits.given",
        "member.invited",
        "invite.withdrawn",
        "member.joined",
        "member.changed",
        "member.removed",
        "member.left",
        "admin.appointed",
        "admin.dismissed",
        "user.suspended",
        "user.resumed",
        "credits.granted",
        "engine.disabled",
        "engine.enabled",
        "webhook.created",
        "webhook.changed",
        "webhook.secret_replaced",
        "webhook.deleted",
    ]
]
DeliveryStatus = SkipValidation[Literal["PENDING", "DELIVERED", "FAILED"]]
DisabledBecause = SkipValidation[Literal["REQUEST", "FAILURES", "GONE"]]
Easing = SkipValidation[Literal["linear", "ease_in", "ease_out", "ease_in_out", "crash", "glide"]]
Family = SkipValidation[Literal["cpu-media", "cuda-diffusers"]]
JobOutput = SkipValidation[Literal["VIDEO", "POSTER"]]
JobStatus = SkipValidation[Literal["PENDING", "QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]]
Locale = SkipValidation[Literal["de", "en", "es", "fr", "ja", "zh"]]
Obstacle = SkipValidation[Literal["no_gpu", "no_key", "past_sunset", "disabled"]]
PackName = SkipValidation[Literal["SMALL", "MEDIUM", "LARGE"]]
Permission = SkipValidation[
    Literal[
        "profile:read",
        "account:read",
        "account:write",
        "projects:read",
        "projects:write",
        "jobs:read",
        "jobs:write",
        "assets:read",
        "assets:write",
        "billing:read",
        "billing:write",
        "presets:read",
        "presets:write",
        "presets:admin",
        "shares:admin",
        "teams:read",
        "teams:join",
        "teams:write",
        "members:write",
        "audit:read",
        "teams:own",
        "webhooks:read",
        "webhooks:write",
        "users:admin",
        "credits:admin",
        "engines:admin",
    ]
]
PlanType = SkipValidation[Literal["FREE", "PRO", "ENTERPRISE"]]
Refusal = SkipValidation[Literal["BOUNCED", "COMPLAINED"]]
Resolution = SkipValidation[Literal["480p", "720p", "1080p", "1440p", "4k"]]
Runs = SkipValidation[Literal["in-process", "remote"]]
Stage = SkipValidation[Literal["IMAGE_GENERATION", "VIDEO_SYNTHESIS", "MOTION_TRANSFER", "POST_PROCESSING"]]
SubscriptionStatus = SkipValidation[Literal["ACTIVE", "CANCELLED", "PAST_DUE", "UNPAID", "TRIALING"]]
Theme = SkipValidation[Literal["SYSTEM", "LIGHT", "DARK"]]
WebhookEventType = SkipValidation[
    Literal["job.completed", "job.failed", "job.cancelled", "step.completed", "credits.low"]
]


class Problem(Model):
    """The body of every error response (RFC 9457). A later version may add fields."""

    type: str
    """Always `about:blank`: `code` names the kind of problem."""
    title: str
    """The phrase of the HTTP status."""
    status: int
    code: str
    """The kind of problem. It never changes."""
    detail: str
    """One sentence for people. It may change."""
    request_id: str
    """The id of the request. Include it in a report of the problem."""
    errors: list[FieldProblem] | None = None
    """The invalid fields, at most 20, for status 422."""
    suggestions: list[str] | None = None
    """Known values that are similar to the unknown one."""
    credits_needed: int | None = None
    """The credits that the request needs, for status 402."""


class FieldProblem(Model):
    """One invalid field of the request."""

    field: str
    """The path to the field, joined by dots. It is empty for the body itself."""
    detail: str


class Accepted(Model):
    detail: str


class Balance(Model):
    available: int
    """Credits that can be spent."""
    held: int
    """Credits that open jobs hold."""


class Erasure(Model):
    detail: str


class Key(Model):
    id: str
    name: str
    scopes: list[str]
    monthly_cap: int | None
    test: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


class Me(Model):
    id: str
    email: str
    name: str | None
    avatar: str | None
    email_verified: datetime | None
    created_at: datetime
    updated_at: datetime
    balance: Balance
    plan: PlanType
    organizations: list[OwnOrganization]


class NewKey(Model):
    id: str
    name: str
    scopes: list[str]
    monthly_cap: int | None
    test: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime
    key: str
    """The key itself. It is shown here only."""


class OwnOrganization(Model):
    id: str
    name: str
    slug: str
    role: AccountRole


class RecoveryCodes(Model):
    recovery_codes: list[str]
    """Each of them replaces one code, for example without the device. They are shown here only."""


class Session(Model):
    access_token: str
    token_type: str
    expires_in: int


class SignIn(Model):
    """A session: a sign-in that can be renewed."""

    id: str
    current: bool
    """True for the session of this request."""
    user_agent: str | None
    """The program that signed in, in its own words."""
    created_at: datetime | None
    last_used_at: datetime
    expires_at: datetime


class SocketTicket(Model):
    ticket: str
    expires_in: int


class TotpSecret(Model):
    secret: str
    """The secret in base32, for an app without a camera. It is shown here only."""
    uri: str
    """The `otpauth:` URI. An app reads it as a QR code."""


class Totp(Model):
    enabled: bool
    recovery_codes_left: int


class Project(Model):
    id: str
    name: str
    thumbnail: str | None
    """Signed URL of a small JPEG of the project's newest film."""
    user_id: str
    """The user who created the project."""
    organization_id: str | None
    job_count: int
    created_at: datetime
    updated_at: datetime


class AuditEntry(Model):
    """A change of the organization. `subject` is the id of the member or of the invite that changed."""

    id: str
    user_id: str
    action: AuditAction
    subject: str | None
    details: dict[str, Any] | None
    source: str
    """The IP address of the request."""
    created_at: datetime


class Invite(Model):
    id: str
    organization_id: str
    email: str
    role: AccountRole
    invited_by: str
    accepted_by: str | None
    created_at: datetime
    expires_at: datetime


class Member(Model):
    """A member, with the user's name and address."""

    id: str
    """The id of the member: the user's."""
    user_id: str
    organization_id: str
    role: AccountRole
    created_at: datetime
    name: str | None
    email: str
    monthly_cap: int | None
    spent: int
    """Credits that the member has spent or holds for open jobs in this month."""


class Membership(Model):
    """One user's membership of an organization."""

    id: str
    """The id of the member: the user's."""
    user_id: str
    organization_id: str
    role: AccountRole
    created_at: datetime


class OrganizationDetail(Model):
    """An organization with its credits: `available` to spend, and `held` for jobs that have not ended."""

    id: str
    name: str
    slug: str
    role: AccountRole
    """The caller's role."""
    created_at: datetime
    updated_at: datetime
    available: int
    held: int


class Organization(Model):
    id: str
    name: str
    slug: str
    role: AccountRole
    """The caller's role."""
    created_at: datetime
    updated_at: datetime


class JobInput(Model):
    """An asset of the account that the job uses, with its role in the job."""

    role: SkipValidation[Literal["picture", "driving", "audio", "captions"]]
    asset_id: str


class JobPage(Model):
    """A part of a list of jobs. Jobs in lists have no results."""

    data: list[Job]
    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page; null on the last page."""
    searched: int | None
    """With `status` or `text`: the number of jobs looked at, on this page and those before it. A search looks at the
    newest 2,000 jobs that the other filters allow. A search for a status before the end looks at the jobs that have
    not ended.
    """
    complete: bool | None
    """With `status` or `text`: whether the search is at its end and has looked at all jobs. If it is false on the last
    page, continue with `createdBefore`.
    """


class JobSettings(Model):
    """The settings of a job, besides prompt and preset. Durations are in seconds."""

    aspect_ratio: SkipValidation[Literal["16:9", "9:16", "1:1", "4:5", "5:4", "4:3", "3:4", "3:2", "2:3", "21:9"]]
    """With a picture, the default is the ratio that is closest to the first picture's."""
    duration: float
    resolution: Resolution
    fps: SkipValidation[Literal[24, 25, 30]]
    seed: int | None
    style: str | None
    """Words of the painter's vocabulary, such as `oil`."""
    allow_unrelated_picture: bool | None
    """If the painter knows no word of the prompt, true paints a picture that is unrelated to it. Otherwise such a job
    is refused.
    """
    draft: bool | None
    """True makes a small, cheaper film of 360 lines, without `upscale`. Its picture is that of the whole film, which
    `POST /api/jobs/{jobId}/final` makes from it.
    """
    strength: float
    stack: StackedPreset | None
    operations: list[str]
    engines: dict[str, str]
    loop: bool
    transfer: SkipValidation[Literal["handheld", "stabilised", "exact"]]


class Job(Model):
    id: str
    project_id: str
    status: JobStatus
    progress: int
    current_step: Stage | None
    error: str | None
    prompt: str
    preset_id: str
    settings: JobSettings
    seed: int
    inputs: list[JobInput]
    until: Stage | None = None
    """Of a still: its last step. A film has no such field."""
    origin_id: str | None = None
    """The job from whose outputs this job started."""
    test: bool
    """true: a test key submitted the job. It has the fixed film."""
    batch_id: str | None = None
    """Of jobs that were submitted together."""
    batch: list[str] | None = None
    """In the answer to a submit with `count`: the ids of all jobs of the batch."""
    credits: int
    image_url: str | None
    video_url: str | None
    thumbnail_url: str | None
    poster_url: str | None
    av1_url: str | None
    preview_url: str | None
    gif_url: str | None
    sprites_url: str | None
    scrubbing_track: str | None
    hls_playlist: str | None
    motion_score: float | None
    understood: list[str] | None
    """The phrases of style and prompt that the painter knows. null if it paints nothing."""
    not_understood: list[str] | None
    """The words of which nothing is painted."""
    read_as: dict[str, str] | None
    """Words that the painter does not know -> the near phrases that it paints instead."""
    from_settings: list[str] | None = None
    """In the response to a submit: the fields that the request left out, and the creator's settings filled.
    """
    queue_position: int | None
    """While the job waits for its start: its position among the account's jobs, from 1."""
    estimated_start_at: datetime | None
    """Estimated from the account's recent jobs. null if it is not known."""
    estimated_end_at: datetime | None
    """Estimated from the start and from recent steps of the same engines, with their waits for workers. null if the
    start or one of the steps is not known, and when the job has ended.
    """
    steps: list[Step]
    seq: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


class PriceLine(Model):
    """One reason for the price of a step: `quantity` units cost `each` credits, which makes `credits`."""

    unit: str
    quantity: float
    each: float
    credits: float


class Quote(Model):
    """The price of a job before its submit, and the part of its settings and its prompt that the film gets."""

    credits: int
    """The most that the job costs, or all `count` jobs. They are held at the submit."""
    balance: int
    """The credits that the account can spend."""
    sufficient: bool
    """Whether the caller can pay for the job now, from the balance and within the monthly caps of the member and of
    the key.
    """
    seconds: float | None
    """From the start to the end of the job. null until all steps are known."""
    steps: list[QuotedStep]
    settings: JobSettings
    """The settings, with the duration and the ratio that the job gets."""
    from_settings: list[str] | None
    """The fields that the body leaves out and that come from `/api/settings`."""
    dropped_axes: list[str]
    """Axes of the camera move that the engine cannot follow."""
    understood: list[str] | None
    """The phrases of style and prompt that the painter knows. null if it paints nothing."""
    not_understood: list[str] | None
    """The words of which nothing is painted."""
    read_as: dict[str, str] | None
    """Words that the painter does not know -> the near phrases that it paints instead."""


class QuotedStep(Model):
    step_type: Stage
    engine: str
    credits: int
    """The sum of `price`, rounded up."""
    seconds: float | None
    """Median of recent steps of this engine at this resolution and duration, with their wait for a worker. null until
    such a step was measured.
    """
    price: list[PriceLine]


class StackedPreset(Model):
    """A second preset that is added to the first, with a weight of 0..1."""

    preset_id: str
    weight: float


class StepMetadata(Model):
    """Metadata of a step as clients read it: the keys of every stage."""

    painter: str | None = None
    understood: list[str] | None = None
    not_understood: list[str] | None = None
    read_as: dict[str, str] | None = None
    place: str | None = None
    time_of_day: str | None = None
    weather: str | None = None
    mood: str | None = None
    palette: str | None = None
    style: str | None = None
    accents: list[str] | None = None
    focal_point: list[float] | None = None
    frames: int | None = None
    frames_per_second: float | None = None
    motion_score: float | None = None
    fps: float | None = None
    shape_score: float | None = None
    path_kept: float | None = None
    relief_kept: float | None = None
    subject: SkipValidation[Literal["face", "object", "point"]] | None = None
    subject_cut_out: bool | None = None
    depth: SkipValidation[Literal["given", "estimated"]] | None = None
    dropped_axes: list[str] | None = None
    path_length: float | None = None
    inlier_ratio: float | None = None
    bytes: int | None = None
    operations: list[str] | None = None
    signed: bool | None = None
    jitter_before: float | None = None
    jitter_after: float | None = None
    crop: float | None = None
    cuts: int | None = None
    captions: int | None = None
    captions_after_end: int | None = None
    lufs_before: float | None = None
    lufs: float | None = None
    gain_db: float | None = None


class Step(Model):
    id: str
    job_id: str
    step_type: Stage
    status: JobStatus
    progress: int
    engine: str
    attempts: int
    error: str | None
    result_url: str | None
    metadata: StepMetadata | None
    started_at: datetime | None
    completed_at: datetime | None


class AssetUpload(Model):
    asset: Asset
    upload: Upload


class Asset(Model):
    id: str
    name: str
    type: AssetType
    status: AssetStatus
    content_type: str
    size: int
    width: int | None
    height: int | None
    duration: float | None
    captions: Captions | None
    error: str | None
    error_code: str | None
    user_id: str
    """The user who uploaded the file."""
    project_id: str | None
    url: str | None
    thumbnail_url: str | None
    """Of a READY picture or clip: a JPEG of at most 480 x 480 pixels."""
    depth_url: str | None
    """Of a READY picture: its estimated depth as a small grey JPEG, bright is near."""
    matte_url: str | None
    """Of a READY picture with a clear subject: its matte as a small grey JPEG."""
    created_at: datetime


class Captions(Model):
    """The captions of a file, and the differences between them and the file. `droppedCues` counts captions without
    usable times, `ignoredLines` lines of text outside captions, and `replacedLetters` letters that are invalid in
    the file's encoding.
    """

    cues: int
    encoding: str
    dropped_cues: int
    ignored_lines: int
    replaced_letters: int


class Upload(Model):
    """An upload form: one multipart POST to `url` with `fields`, and then the file as `file`."""

    url: str
    fields: dict[str, str]


class EngineLimits(Model):
    max_duration_seconds: float
    durations: list[float] | None
    """The only durations, in seconds. null: all up to the maximum."""
    max_short_side_pixels: int
    max_pictures: int | None
    """null: as many as a job may have."""
    loops: bool
    """Whether the first frame of a film can follow its last one."""


class EnginePrice(Model):
    """The price of a step: the sum of `credits` for each of `unit`, rounded up."""

    unit: str
    credits: float


class Engine(Model):
    step_type: Stage
    name: str
    about: str
    runs: Runs
    family: Family | None
    """The kind of machine that the engine needs. null at a provider."""
    licence: Licence
    trained: bool
    """Whether a trained model generates the pixels. Films declare it."""
    price: list[EnginePrice]
    draft_share: float
    """The part of the price that a draft costs."""
    limits: EngineLimits
    axes: list[str]
    """The axes of a camera move that the engine follows."""
    deprecated_at: date | None
    """The day on which the shutdown was announced."""
    sunset_at: date | None
    """The first day, in UTC, on which new jobs do not use the engine."""
    fallback: str | None
    """The engine that replaces it from that day."""
    available: bool
    reason: Obstacle | None
    """Why the engine is not available."""


class Licence(Model):
    """The licence of the engine: of its code, or of the weights of its model, or the terms of its provider."""

    name: str
    url: str
    condition: str | None
    """What a business must know before it uses the films."""


class CameraMove(Model):
    """The camera move of a preset. Engines that accept only text receive `prompt_phrase`."""

    keyframes: list[Keyframe]
    easing: Easing
    strength: float
    shutter: float
    min_duration_seconds: float
    max_duration_seconds: float
    prompt_phrase: str
    negatives: list[str]
    needs_driving_clip: bool
    stacked: StackedMove | None


class Keyframe(Model):
    """A pose at the time `at`, a fraction (0..1) of the clip's duration."""

    at: float
    truck: float
    pedestal: float
    dolly: float
    pan: float
    tilt: float
    roll: float
    zoom: float
    focus: float | None
    shake: float
    fisheye: float


class Preset(Model):
    id: str
    name: str
    description: str | None
    category: str
    thumbnail: str | None
    """Path of a small JPEG on the studio's origin. Only built-in presets have one."""
    preview: str | None
    """Path of an animated WebP of two seconds. Only built-in presets have one."""
    config: CameraMove
    is_default: bool
    """Whether it is built in."""
    is_public: bool
    """Whether the public list contains it."""
    user_id: str | None
    """The user who made it. null for presets of the studio."""
    organization_id: str | None
    created_at: datetime
    updated_at: datetime


class StackedMove(Model):
    """The second move of a pair, with its weight."""

    move: CameraMove
    weight: float


class Share(Model):
    id: str
    """The secret part of the link."""
    job_id: str
    title: str
    taken_down: bool | None
    """Whether an admin of the studio has closed the link."""
    created_at: datetime


class SharedFilm(Model):
    """The film that a visitor of a link sees. The URLs are valid for an hour."""

    title: str
    video_url: str | None
    poster_url: str | None
    thumbnail_url: str | None
    created_at: datetime


class Health(Model):
    status: Literal["ok"]


class JobCharge(Model):
    """The charge of one completed job."""

    job_id: str
    credits: int
    at: datetime


class LedgerEntry(Model):
    """One change of the account's credits. The sum of all entries is its balance."""

    id: str
    """The operation, which is entered once."""
    credits: int
    reason: str
    at: datetime


class PageLink(Model):
    url: str
    """The page at Stripe, to which the browser goes."""


class Subscription(Model):
    """The subscription of the caller's account, and its credits. Without a subscription the plan is FREE."""

    id: str
    user_id: str
    """The user who began the first purchase."""
    organization_id: str | None
    stripe_customer_id: str | None
    stripe_subscription_id: str | None
    stripe_price_id: str | None
    status: SubscriptionStatus
    plan: PlanType
    current_period_start: datetime | None
    current_period_end: datetime | None
    cancel_at_period_end: bool
    created_at: datetime | None
    updated_at: datetime | None
    monthly_credits: int
    """The credits that each payment of the plan adds."""
    credits_available: int
    credits_held: int
    """Credits that are reserved for open jobs."""
    credits_owed: int
    """Spent credits that were refunded. The next credits pay them."""


class UsageDay(Model):
    """The use of the account on one day (UTC)."""

    id: str
    user_id: str
    date: date
    jobs_created: int
    """Jobs of this day, without those deleted before they were charged."""
    credits_used: int
    storage_used: int
    """Bytes of the account's assets that existed on this day and still exist."""


class Usage(Model):
    days: list[UsageDay]
    """Each day of the period, oldest first."""
    jobs: list[JobCharge]
    """Each charged job of the period, newest first."""


class Delivery(Model):
    """An event for one webhook, with the outcome of its newest try."""

    id: str
    """The header `webhook-id` of each try."""
    type: str
    status: DeliveryStatus
    attempts: int
    """The number of tries since the begin, or since the last replay."""
    next_at: datetime | None
    """The time of the next try."""
    answer_status: int | None
    """The HTTP status of the last answer."""
    answer_text: str | None
    """The first 1024 bytes of the last answer, or why there was none."""
    body: str
    """The body of each try, as it is sent."""
    created_at: datetime
    updated_at: datetime


class NewWebhook(Model):
    id: str
    organization_id: str | None
    url: str
    events: list[WebhookEventType]
    enabled: bool
    disabled_at: datetime | None
    disabled_because: DisabledBecause | None
    """REQUEST: a user disabled it. FAILURES: no delivery succeeded for five days. GONE: it answered 410."""
    failing_since: datetime | None
    """The first failed try after the last successful one."""
    created_at: datetime
    updated_at: datetime
    secret: str
    """The secret that signs the deliveries. It is shown here only."""


class Webhook(Model):
    """An endpoint that receives events."""

    id: str
    organization_id: str | None
    url: str
    events: list[WebhookEventType]
    enabled: bool
    disabled_at: datetime | None
    disabled_because: DisabledBecause | None
    """REQUEST: a user disabled it. FAILURES: no delivery succeeded for five days. GONE: it answered 410."""
    failing_since: datetime | None
    """The first failed try after the last successful one."""
    created_at: datetime
    updated_at: datetime


class AdminEntry(Model):
    """One action of a platform admin."""

    id: str
    user_id: str
    """The admin; `operator` for a command of the operator."""
    action: str
    subject: str | None
    details: dict[str, Any] | None
    source: str
    """The address from which the request came."""
    created_at: datetime


class AdminUser(Model):
    """A user of the deployment."""

    id: str
    email: str
    name: str | None
    platform_admin: bool
    suspended_at: datetime | None
    suspended_because: str | None
    created_at: datetime


class EngineSwitch(Model):
    """An engine of the deployment."""

    name: str
    stage: Stage
    enabled: bool
    disabled_because: str | None
    disabled_by: str | None
    disabled_at: datetime | None


class Granted(Model):
    """The account after the grant."""

    available: int
    held: int
    operation_id: str
    """The entry of the ledger."""


class Notifications(Model):
    film_completed: bool
    film_failed: bool
    low_credits: bool


class Settings(Model):
    name: str | None
    email: str
    new_email: str | None
    """An address that is the account's once it is confirmed with its link."""
    email_refusal: Refusal | None
    """Why the address gets no email. BOUNCED: the mailbox did not exist. COMPLAINED: its owner reported a message as
    spam. Another address gets email.
    """
    avatar: str | None
    """The id of the asset."""
    avatar_url: str | None
    notifications: Notifications
    default_preset_id: str | None
    default_aspect_ratio: (
        SkipValidation[Literal["16:9", "9:16", "1:1", "4:5", "5:4", "4:3", "3:4", "3:2", "2:3", "21:9"]] | None
    )
    locale: Locale | None
    theme: Theme
    updated_at: datetime


class JobSnapshot(Model):
    """The whole job. Ignore events whose `seq` is not higher. The server sends it after a subscription. It sends it
    instead of events if the job has many subscribers, or if the socket did not accept an event. If the job has
    ended, no event follows.
    """

    type: Literal["job.snapshot"]
    job_id: str
    seq: int
    job: Job


class JobProgress(Model):
    """The job's status, step, progress or preview changed. `progress` is 0..100 for the whole job."""

    type: Literal["job.progress"]
    job_id: str
    seq: int
    progress: int
    current_step: Stage | None
    status: JobStatus
    preview_url: str | None = None
    """The newest preview of the current step, a small picture."""


class StepCompleted(Model):
    """One step of the job has its result. `resultUrl` opens a small, marked preview of it: the job is not paid yet."""

    type: Literal["step.completed"]
    job_id: str
    seq: int
    step_id: str
    step_type: Stage
    result_url: str | None
    understood: list[str] | None = None
    """Of a painted picture: the phrases that the painter knows."""
    not_understood: list[str] | None = None
    """Of a painted picture: the words of which nothing is painted."""
    read_as: dict[str, str] | None = None
    """Of a painted picture: unknown words -> the near phrases painted instead."""


class JobCompleted(Model):
    """The film is ready. No event of the job follows. Of a still, both URLs are null, and the job has `imageUrl`."""

    type: Literal["job.completed"]
    job_id: str
    seq: int
    video_url: str | None
    thumbnail_url: str | None


class JobFailed(Model):
    """The job failed, and its credits are released. No event of the job follows."""

    type: Literal["job.failed"]
    job_id: str
    seq: int
    error: str | None


Event = Annotated[JobSnapshot | JobProgress | StepCompleted | JobCompleted | JobFailed, Field(discriminator="type")]
