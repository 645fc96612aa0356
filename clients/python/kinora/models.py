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
    ]
]
Easing = SkipValidation[Literal["linear", "ease_in", "ease_out", "ease_in_out", "crash", "glide"]]
JobStatus = SkipValidation[Literal["PENDING", "QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]]
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
        "teams:read",
        "teams:join",
        "teams:write",
        "members:write",
        "audit:read",
        "teams:own",
    ]
]
PlanType = SkipValidation[Literal["FREE", "PRO", "ENTERPRISE"]]
Resolution = SkipValidation[Literal["480p", "720p", "1080p", "1440p", "4k"]]
Stage = SkipValidation[Literal["IMAGE_GENERATION", "VIDEO_SYNTHESIS", "MOTION_TRANSFER", "POST_PROCESSING"]]
SubscriptionStatus = SkipValidation[Literal["ACTIVE", "CANCELLED", "PAST_DUE", "UNPAID", "TRIALING"]]


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


class Key(Model):
    id: str
    name: str
    scopes: list[str]
    monthly_cap: int | None
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


class Project(Model):
    id: str
    name: str
    thumbnail: str | None
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
    queue_position: int | None
    """While the job waits for its start: its position among the account's jobs, from 1."""
    estimated_start_at: datetime | None
    """Estimated from the account's recent jobs. null if it is not known."""
    steps: list[Step]
    seq: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


class PriceLine(Model):
    """One reason for the price of a step: `quantity` units cost `each` credits, which makes `credits`."""

    reason: str
    """The unit."""
    quantity: float
    each: float
    credits: float


class Quote(Model):
    """What a job would cost, and what would become of its settings and its prompt."""

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
    description: str
    category: str
    thumbnail: str
    """Path of a small JPEG on the studio's origin"""
    preview: str
    """Path of an animated WebP of two seconds"""
    config: CameraMove
    is_default: bool
    is_public: bool


class StackedMove(Model):
    """The second move of a pair, with its weight."""

    move: CameraMove
    weight: float


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
