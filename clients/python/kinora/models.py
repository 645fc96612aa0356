"""Models of the API. `python -m tools.client` writes them from docs/openapi.json and docs/asyncapi.json."""

from __future__ import annotations

from datetime import date as calendar_date
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, SkipValidation

from .model import ABSENT, Model

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
        "users.listed",
        "user.suspended",
        "user.resumed",
        "credits.granted",
        "engine.disabled",
        "engine.enabled",
        "preset.created",
        "preset.changed",
        "film.taken_down",
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

    type: str = ABSENT
    """Always `about:blank`: `code` names the kind of problem."""
    title: str = ABSENT
    """The phrase of the HTTP status."""
    status: int = ABSENT
    code: str = ABSENT
    """The kind of problem. It never changes."""
    detail: str = ABSENT
    """One sentence for people. It may change."""
    request_id: str = ABSENT
    """The id of the request. Include it in a report of the problem."""
    errors: list[FieldProblem] | None = None
    """The invalid fields, at most 20, for status 422."""
    suggestions: list[str] | None = None
    """Known values that are similar to the unknown one."""
    credits_needed: int | None = None
    """The credits that the request needs, for status 402 and for `max_credits_exceeded`."""
    max_credits: int | None = None
    """`maxCredits` of the request, for `max_credits_exceeded`."""


class FieldProblem(Model):
    """One invalid field of the request."""

    field: str = ABSENT
    """The path to the field, joined by dots. It is empty for the body itself."""
    detail: str = ABSENT


class Accepted(Model):
    detail: str = ABSENT


class Balance(Model):
    available: int = ABSENT
    """Credits that can be spent."""
    held: int = ABSENT
    """Credits that open jobs hold."""


class Erasure(Model):
    detail: str = ABSENT


class Key(Model):
    id: str = ABSENT
    name: str = ABSENT
    scopes: list[str] = ABSENT
    monthly_cap: int | None = ABSENT
    test: bool = ABSENT
    expires_at: datetime | None = ABSENT
    last_used_at: datetime | None = ABSENT
    created_at: datetime = ABSENT


class Me(Model):
    id: str = ABSENT
    email: str = ABSENT
    name: str | None = ABSENT
    avatar: str | None = ABSENT
    email_verified: datetime | None = ABSENT
    created_at: datetime = ABSENT
    updated_at: datetime = ABSENT
    balance: Balance = ABSENT
    plan: PlanType = ABSENT
    platform_admin: bool = ABSENT
    """Whether the user operates this studio, and may use `/api/admin`."""
    organizations: list[OwnOrganization] = ABSENT


class NewKey(Model):
    id: str = ABSENT
    name: str = ABSENT
    scopes: list[str] = ABSENT
    monthly_cap: int | None = ABSENT
    test: bool = ABSENT
    expires_at: datetime | None = ABSENT
    last_used_at: datetime | None = ABSENT
    created_at: datetime = ABSENT
    key: str = ABSENT
    """The key itself. It is shown here only."""


class OwnOrganization(Model):
    id: str = ABSENT
    name: str = ABSENT
    slug: str = ABSENT
    role: AccountRole = ABSENT


class RecoveryCodes(Model):
    recovery_codes: list[str] = ABSENT
    """Each of them replaces one code, for example without the device. They are shown here only."""


class Session(Model):
    access_token: str = ABSENT
    token_type: str = ABSENT
    expires_in: int = ABSENT


class SignIn(Model):
    """A session: a sign-in that can be renewed."""

    id: str = ABSENT
    current: bool = ABSENT
    """True for the session of this request."""
    user_agent: str | None = ABSENT
    """The program that signed in, in its own words."""
    created_at: datetime | None = ABSENT
    last_used_at: datetime = ABSENT
    expires_at: datetime = ABSENT


class SocketTicket(Model):
    ticket: str = ABSENT
    expires_in: int = ABSENT


class TotpSecret(Model):
    secret: str = ABSENT
    """The secret in base32, for an app without a camera. It is shown here only."""
    uri: str = ABSENT
    """The `otpauth:` URI. An app reads it as a QR code."""


class Totp(Model):
    enabled: bool = ABSENT
    recovery_codes_left: int = ABSENT


class Project(Model):
    id: str = ABSENT
    name: str = ABSENT
    thumbnail: str | None = ABSENT
    """Signed URL of a small JPEG of the project's newest film."""
    user_id: str = ABSENT
    """The user who created the project."""
    organization_id: str | None = ABSENT
    job_count: int = ABSENT
    created_at: datetime = ABSENT
    updated_at: datetime = ABSENT


class AuditEntry(Model):
    """A change of the organization. `subject` is the id of the member or of the invite that changed."""

    id: str = ABSENT
    user_id: str = ABSENT
    action: AuditAction = ABSENT
    subject: str | None = ABSENT
    details: dict[str, Any] | None = ABSENT
    source: str = ABSENT
    """The IP address of the request."""
    created_at: datetime = ABSENT


class Invite(Model):
    id: str = ABSENT
    organization_id: str = ABSENT
    email: str = ABSENT
    role: AccountRole = ABSENT
    invited_by: str = ABSENT
    accepted_by: str | None = ABSENT
    created_at: datetime = ABSENT
    expires_at: datetime = ABSENT


class Member(Model):
    """A member, with the user's name and address."""

    id: str = ABSENT
    """The id of the member: the user's."""
    user_id: str = ABSENT
    organization_id: str = ABSENT
    role: AccountRole = ABSENT
    created_at: datetime = ABSENT
    name: str | None = ABSENT
    email: str = ABSENT
    monthly_cap: int | None = ABSENT
    spent: int = ABSENT
    """Credits that the member has spent or holds for open jobs in this month."""


class Membership(Model):
    """One user's membership of an organization."""

    id: str = ABSENT
    """The id of the member: the user's."""
    user_id: str = ABSENT
    organization_id: str = ABSENT
    role: AccountRole = ABSENT
    created_at: datetime = ABSENT


class OrganizationDetail(Model):
    """An organization with its credits: `available` to spend, and `held` for jobs that have not ended."""

    id: str = ABSENT
    name: str = ABSENT
    slug: str = ABSENT
    role: AccountRole = ABSENT
    """The caller's role."""
    created_at: datetime = ABSENT
    updated_at: datetime = ABSENT
    available: int = ABSENT
    held: int = ABSENT


class Organization(Model):
    id: str = ABSENT
    name: str = ABSENT
    slug: str = ABSENT
    role: AccountRole = ABSENT
    """The caller's role."""
    created_at: datetime = ABSENT
    updated_at: datetime = ABSENT


class FramePath(Model):
    """The path of the frame over the picture at its mean distance. Each list has one number for each moment."""

    right: list[float] = ABSENT
    up: list[float] = ABSENT
    zoom: list[float] = ABSENT
    roll: list[float] = ABSENT


class JobInput(Model):
    """An asset of the account that the job uses, with its role in the job."""

    role: SkipValidation[Literal["picture", "driving", "audio", "captions"]] = ABSENT
    asset_id: str = ABSENT


class JobPage(Model):
    """A part of a list of jobs. Jobs in lists have no results."""

    data: list[Job] = ABSENT
    has_more: bool = ABSENT
    next_cursor: str | None = ABSENT
    """The `cursor` of the next page; null on the last page."""
    searched: int | None = ABSENT
    """With `status` or `text`: the number of jobs looked at, on this page and those before it. A search looks at the
    newest 2,000 jobs that the other filters allow. A search for a status before the end looks at the jobs that have
    not ended.
    """
    complete: bool | None = ABSENT
    """With `status` or `text`: whether the search is at its end and has looked at all jobs. If it is false on the last
    page, continue with `createdBefore`.
    """


class JobSettings(Model):
    """The settings of a job, besides prompt and preset. Durations are in seconds."""

    aspect_ratio: SkipValidation[Literal["16:9", "9:16", "1:1", "4:5", "5:4", "4:3", "3:4", "3:2", "2:3", "21:9"]] = (
        ABSENT
    )
    """With a picture, the default is the ratio that is closest to the first picture's."""
    duration: float = ABSENT
    resolution: Resolution = ABSENT
    fps: SkipValidation[Literal[24, 25, 30]] = ABSENT
    seed: int | None = ABSENT
    style: str | None = ABSENT
    """Words of the painter's vocabulary, such as `oil`."""
    allow_unrelated_picture: bool | None = ABSENT
    """If the painter knows no word of the prompt, true paints a picture that is unrelated to it. Otherwise such a job
    is refused.
    """
    draft: bool | None = ABSENT
    """True makes a small, cheaper film of 360 lines, without `upscale`. Its picture is that of the whole film, which
    `POST /api/jobs/{jobId}/final` makes from it.
    """
    strength: float = ABSENT
    on_missed_move: SkipValidation[Literal["camera", "repeat", "keep"]] | None = ABSENT
    """If the clip of a trained engine does not follow the camera move: `camera` (default) renders the move over the
    picture with the 2.5D camera, at its lower price. `repeat` makes the clip once more with another seed, without
    more credits, and uses that one. `keep` uses the clip.
    """
    sound_prompt: str | None = ABSENT
    """What the film sounds like. Name the engine that makes the sound: `engines.POST_PROCESSING` is `elevenlabs-
    effects` or `elevenlabs-music`. Such a film has no input with the role audio.
    """
    stack: StackedPreset | None = ABSENT
    operations: list[str] = ABSENT
    engines: dict[str, str] = ABSENT
    loop: bool = ABSENT
    transfer: SkipValidation[Literal["handheld", "stabilised", "exact"]] = ABSENT


class Job(Model):
    id: str = ABSENT
    project_id: str = ABSENT
    status: JobStatus = ABSENT
    progress: int = ABSENT
    current_step: Stage | None = ABSENT
    error: str | None = ABSENT
    prompt: str = ABSENT
    preset_id: str = ABSENT
    settings: JobSettings = ABSENT
    seed: int = ABSENT
    inputs: list[JobInput] = ABSENT
    until: Stage | None = None
    """Of a still: its last step. A film has no such field."""
    origin_id: str | None = None
    """The job from whose outputs this job started."""
    test: bool = ABSENT
    """true: a test key submitted the job. It has the fixed film."""
    batch_id: str | None = None
    """Of jobs that were submitted together."""
    batch: list[str] | None = None
    """In the answer to a submit with `count`: the ids of all jobs of the batch."""
    credits: int = ABSENT
    image_url: str | None = ABSENT
    video_url: str | None = ABSENT
    thumbnail_url: str | None = ABSENT
    poster_url: str | None = ABSENT
    av1_url: str | None = ABSENT
    preview_url: str | None = ABSENT
    gif_url: str | None = ABSENT
    sprites_url: str | None = ABSENT
    scrubbing_track: str | None = ABSENT
    hls_playlist: str | None = ABSENT
    motion_score: float | None = ABSENT
    understood: list[str] | None = ABSENT
    """The phrases of style and prompt that the painter knows. null if it paints nothing."""
    not_understood: list[str] | None = ABSENT
    """The words of which nothing is painted."""
    read_as: dict[str, str] | None = ABSENT
    """Words that the painter does not know -> the near phrases that it paints instead."""
    from_settings: list[str] | None = None
    """In the response to a submit: the fields that the request left out, and the creator's settings filled.
    """
    queue_position: int | None = ABSENT
    """While the job waits for its start: its position among the account's jobs, from 1."""
    estimated_start_at: datetime | None = ABSENT
    """Estimated from the account's recent jobs. null if it is not known."""
    estimated_end_at: datetime | None = ABSENT
    """Estimated from the start and from recent steps of the same engines, with their waits for workers. null if the
    start or one of the steps is not known, and when the job has ended.
    """
    steps: list[Step] = ABSENT
    seq: int = ABSENT
    created_at: datetime = ABSENT
    updated_at: datetime = ABSENT
    completed_at: datetime | None = ABSENT


class MeasuredPath(Model):
    """A stretch of a clip in which landmarks of the picture were followed. Both paths start at 0, and at zoom 1."""

    at: list[float] = ABSENT
    asked: FramePath = ABSENT
    measured: FramePath = ABSENT


class MissedMove(Model):
    """A clip that did not follow its camera move, and that is not used."""

    engine: str = ABSENT
    motion_score: float = ABSENT
    motion_promise: float = ABSENT
    """The lowest score of a clip that follows its move."""
    then: SkipValidation[Literal["camera", "repeat"]] = ABSENT
    """`camera`: the 2.5D camera does the step, at its lower price. `repeat`: the engine does the step once more,
    without more credits, and that clip is used whatever its score is.
    """


class PriceLine(Model):
    """One reason for the price of a step: `quantity` units cost `each` credits, which makes `credits`."""

    unit: str = ABSENT
    quantity: float = ABSENT
    each: float = ABSENT
    credits: float = ABSENT


class Quote(Model):
    """The price of a job before its submit, and the part of its settings and its prompt that the film gets."""

    credits: int = ABSENT
    """The most that the job costs, or all `count` jobs. They are held at the submit. Send them as `maxCredits`, so
    that a submit costs no more.
    """
    balance: int = ABSENT
    """The credits that the account can spend."""
    sufficient: bool = ABSENT
    """Whether the caller can pay for the job now, from the balance and within the monthly caps of the member and of
    the key.
    """
    seconds: float | None = ABSENT
    """From the start to the end of the job. null until all steps are known."""
    steps: list[QuotedStep] = ABSENT
    settings: JobSettings = ABSENT
    """The settings, with the duration and the ratio that the job gets."""
    from_settings: list[str] | None = ABSENT
    """The fields that the body leaves out and that come from `/api/settings`."""
    dropped_axes: list[str] = ABSENT
    """Axes of the camera move that the engine cannot follow."""
    understood: list[str] | None = ABSENT
    """The phrases of style and prompt that the painter knows. null if it paints nothing."""
    not_understood: list[str] | None = ABSENT
    """The words of which nothing is painted."""
    read_as: dict[str, str] | None = ABSENT
    """Words that the painter does not know -> the near phrases that it paints instead."""


class QuotedMiss(Model):
    """The end of a step whose clip does not follow the camera move."""

    motion_promise: float = ABSENT
    """The lowest motion score of a clip that follows its move."""
    then: SkipValidation[Literal["camera", "repeat", "keep"]] = ABSENT
    """As `settings.onMissedMove` says. If a `repeat` is not possible, the camera follows."""
    engine: str = ABSENT
    """The engine of the 2.5D camera."""
    credits: int = ABSENT
    """The lower price of the step if that engine does it."""


class QuotedStep(Model):
    step_type: Stage = ABSENT
    engine: str = ABSENT
    runs: Runs = ABSENT
    """`remote`: a provider makes it, and receives what it is made from."""
    chosen_by: SkipValidation[Literal["creator", "table"]] = ABSENT
    """`creator`: `settings.engines` names it, or the engine that it replaces. `table`: it is the first of the engines
    that can do the step, in the order of `GET /api/engines`.
    """
    row: int | None = ABSENT
    """The engine's row in that table. null: it has none."""
    motion_score: float | None = ABSENT
    """The measured score of the engine's clips in that table. null: nobody has measured it."""
    missed_move: QuotedMiss | None = ABSENT
    """null: the clip is used whatever its score is, or our renderer moves the camera."""
    credits: int = ABSENT
    """The sum of `price`, rounded up."""
    seconds: float | None = ABSENT
    """Median of recent steps of this engine at this resolution and duration, with their wait for a worker. null until
    such a step was measured.
    """
    price: list[PriceLine] = ABSENT


class StackedPreset(Model):
    """A second preset that is added to the first, with a weight of 0..1."""

    preset_id: str = ABSENT
    weight: float = ABSENT


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
    dropped_axes: list[str] | None = None
    camera_path: list[MeasuredPath] | None = None
    subject_place: list[float] | None = None
    shape_score: float | None = None
    path_kept: float | None = None
    relief_kept: float | None = None
    subject: SkipValidation[Literal["face", "object", "point"]] | None = None
    subject_cut_out: bool | None = None
    depth: SkipValidation[Literal["given", "estimated"]] | None = None
    layers: int | None = None
    motion_promise: float | None = None
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
    id: str = ABSENT
    job_id: str = ABSENT
    step_type: Stage = ABSENT
    status: JobStatus = ABSENT
    progress: int = ABSENT
    engine: str = ABSENT
    attempts: int = ABSENT
    error: str | None = ABSENT
    result_url: str | None = ABSENT
    metadata: StepMetadata | None = ABSENT
    missed_move: MissedMove | None = None
    """Of a step whose first clip did not follow the camera move."""
    started_at: datetime | None = ABSENT
    completed_at: datetime | None = ABSENT


class AssetUpload(Model):
    asset: Asset = ABSENT
    upload: Upload = ABSENT


class Asset(Model):
    id: str = ABSENT
    name: str = ABSENT
    type: AssetType = ABSENT
    status: AssetStatus = ABSENT
    content_type: str = ABSENT
    size: int = ABSENT
    width: int | None = ABSENT
    height: int | None = ABSENT
    duration: float | None = ABSENT
    captions: Captions | None = ABSENT
    error: str | None = ABSENT
    error_code: str | None = ABSENT
    user_id: str = ABSENT
    """The user who uploaded the file."""
    project_id: str | None = ABSENT
    url: str | None = ABSENT
    thumbnail_url: str | None = ABSENT
    """Of a READY picture or clip: a JPEG of at most 480 x 480 pixels."""
    depth_url: str | None = ABSENT
    """Of a READY picture: its estimated depth as a small grey JPEG, bright is near."""
    matte_url: str | None = ABSENT
    """Of a READY picture with a clear subject: its matte as a small grey JPEG."""
    created_at: datetime = ABSENT


class Captions(Model):
    """The captions of a file, and the differences between them and the file. `droppedCues` counts captions without
    usable times, `ignoredLines` lines of text outside captions, and `replacedLetters` letters that are invalid in
    the file's encoding.
    """

    cues: int = ABSENT
    encoding: str = ABSENT
    dropped_cues: int = ABSENT
    ignored_lines: int = ABSENT
    replaced_letters: int = ABSENT


class Upload(Model):
    """An upload form: one multipart POST to `url` with `fields`, and then the file as `file`."""

    url: str = ABSENT
    fields: dict[str, str] = ABSENT


class EngineLimits(Model):
    max_duration_seconds: float = ABSENT
    durations: list[float] | None = ABSENT
    """The only durations, in seconds. null: all up to the maximum."""
    max_short_side_pixels: int = ABSENT
    max_pictures: int | None = ABSENT
    """null: as many as a job may have."""
    loops: bool = ABSENT
    """Whether the first frame of a film can follow its last one."""


class EnginePrice(Model):
    """The price of a step: the sum of `credits` for each of `unit`, rounded up."""

    unit: str = ABSENT
    credits: float = ABSENT


class Engine(Model):
    step_type: Stage = ABSENT
    name: str = ABSENT
    row: int | None = ABSENT
    """The engine's row in the table of its stage. A job that names no engine gets the first engine of the table that
    is available, is offered by default, and can do the step. null: only a job that names it.
    """
    by_default: bool = ABSENT
    """Whether a job that does not name the engine may get it. The operator decides it for engines of providers.
    """
    motion_score: float | None = ABSENT
    """The lowest score of measured clips: how well they follow their camera moves, 0 to 1. null: nobody has measured
    it, and the row is after those that have a score.
    """
    motion_source: str | None = ABSENT
    """The published measurement of `motionScore`."""
    motion_promise: float | None = ABSENT
    """The lowest score of a clip of this engine that follows its move. Below it, `settings.onMissedMove` of the job
    decides. null: the engine does not choose its camera.
    """
    seconds: float | None = ABSENT
    """Median of this deployment's recent steps for a film with the default settings, with their wait for a worker.
    null until such a step was measured.
    """
    about: str = ABSENT
    runs: Runs = ABSENT
    family: Family | None = ABSENT
    """The kind of machine that the engine needs. null at a provider."""
    licence: Licence = ABSENT
    trained: bool = ABSENT
    """Whether a trained model generates the pixels. Films declare it."""
    price: list[EnginePrice] = ABSENT
    draft_share: float = ABSENT
    """The part of the price that a draft costs."""
    limits: EngineLimits = ABSENT
    axes: list[str] = ABSENT
    """The axes of a camera move that the engine follows."""
    deprecated_at: calendar_date | None = ABSENT
    """The day on which the shutdown was announced."""
    sunset_at: calendar_date | None = ABSENT
    """The first day, in UTC, on which new jobs do not use the engine."""
    fallback: str | None = ABSENT
    """The engine that replaces it from that day."""
    available: bool = ABSENT
    reason: Obstacle | None = ABSENT
    """Why the engine is not available."""


class Licence(Model):
    """The licence of the engine: of its code, or of the weights of its model, or the terms of its provider."""

    name: str = ABSENT
    url: str = ABSENT
    condition: str | None = ABSENT
    """What a business must know before it uses the films."""


class CameraMove(Model):
    """The camera move of a preset. Engines that accept only text receive `prompt_phrase`."""

    keyframes: list[Keyframe] = ABSENT
    easing: Easing = ABSENT
    strength: float = ABSENT
    shutter: float = ABSENT
    min_duration_seconds: float = ABSENT
    max_duration_seconds: float = ABSENT
    prompt_phrase: str = ABSENT
    negatives: list[str] = ABSENT
    needs_driving_clip: bool = ABSENT
    stacked: StackedMove | None = ABSENT


class Keyframe(Model):
    """A pose at the time `at`, a fraction (0..1) of the clip's duration."""

    at: float = ABSENT
    truck: float = ABSENT
    pedestal: float = ABSENT
    dolly: float = ABSENT
    pan: float = ABSENT
    tilt: float = ABSENT
    roll: float = ABSENT
    zoom: float = ABSENT
    focus: float | None = ABSENT
    shake: float = ABSENT
    fisheye: float = ABSENT


class Preset(Model):
    id: str = ABSENT
    name: str = ABSENT
    description: str | None = ABSENT
    category: str = ABSENT
    thumbnail: str | None = ABSENT
    """Path of a small JPEG on the studio's origin. Only built-in presets have one."""
    preview: str | None = ABSENT
    """Path of an animated WebP of two seconds. Only built-in presets have one."""
    config: CameraMove = ABSENT
    is_default: bool = ABSENT
    """Whether it is built in."""
    is_public: bool = ABSENT
    """Whether the public list contains it."""
    user_id: str | None = ABSENT
    """The user who made it. null for presets of the studio."""
    organization_id: str | None = ABSENT
    created_at: datetime = ABSENT
    updated_at: datetime = ABSENT


class StackedMove(Model):
    """The second move of a pair, with its weight."""

    move: CameraMove = ABSENT
    weight: float = ABSENT


class Share(Model):
    id: str = ABSENT
    """The secret part of the link."""
    job_id: str = ABSENT
    title: str = ABSENT
    url: str = ABSENT
    """The page that shows the film to everybody who has the link."""
    taken_down: bool | None = ABSENT
    """Whether an admin of the studio has closed the link."""
    created_at: datetime = ABSENT


class SharedFilm(Model):
    """The film that a visitor of a link sees. The URLs are valid for an hour."""

    title: str = ABSENT
    video_url: str | None = ABSENT
    poster_url: str | None = ABSENT
    thumbnail_url: str | None = ABSENT
    created_at: datetime = ABSENT


class Health(Model):
    status: Literal["ok"]


class JobCharge(Model):
    """The charge of one completed job."""

    job_id: str = ABSENT
    credits: int = ABSENT
    at: datetime = ABSENT


class LedgerEntry(Model):
    """One change of the account's credits. The sum of all entries is its balance."""

    id: str = ABSENT
    """The operation, which is entered once."""
    credits: int = ABSENT
    reason: str = ABSENT
    at: datetime = ABSENT


class PageLink(Model):
    url: str = ABSENT
    """The page at Stripe, to which the browser goes."""


class Subscription(Model):
    """The subscription of the caller's account, and its credits. Without a subscription the plan is FREE."""

    id: str = ABSENT
    user_id: str = ABSENT
    """The user who began the first purchase."""
    organization_id: str | None = ABSENT
    stripe_customer_id: str | None = ABSENT
    stripe_subscription_id: str | None = ABSENT
    stripe_price_id: str | None = ABSENT
    status: SubscriptionStatus = ABSENT
    plan: PlanType = ABSENT
    current_period_start: datetime | None = ABSENT
    current_period_end: datetime | None = ABSENT
    cancel_at_period_end: bool = ABSENT
    created_at: datetime | None = ABSENT
    updated_at: datetime | None = ABSENT
    monthly_credits: int = ABSENT
    """The credits that each payment of the plan adds."""
    credits_available: int = ABSENT
    credits_held: int = ABSENT
    """Credits that are reserved for open jobs."""
    credits_owed: int = ABSENT
    """Spent credits that were refunded. The next credits pay them."""


class UsageDay(Model):
    """The use of the account on one day (UTC)."""

    id: str = ABSENT
    user_id: str = ABSENT
    date: calendar_date = ABSENT
    jobs_created: int = ABSENT
    """Jobs of this day, without those deleted before they were charged."""
    credits_used: int = ABSENT
    storage_used: int = ABSENT
    """Bytes of the account's assets that existed on this day and still exist."""


class Usage(Model):
    days: list[UsageDay] = ABSENT
    """Each day of the period, oldest first."""
    jobs: list[JobCharge] = ABSENT
    """Each charged job of the period, newest first."""


class Delivery(Model):
    """An event for one webhook, with the outcome of its newest try."""

    id: str = ABSENT
    """The header `webhook-id` of each try."""
    type: str = ABSENT
    status: DeliveryStatus = ABSENT
    attempts: int = ABSENT
    """The number of tries since the begin, or since the last replay."""
    next_at: datetime | None = ABSENT
    """The time of the next try."""
    answer_status: int | None = ABSENT
    """The HTTP status of the last answer."""
    answer_text: str | None = ABSENT
    """The first 1024 bytes of the last answer, or why there was none."""
    body: str = ABSENT
    """The body of each try, as it is sent."""
    created_at: datetime = ABSENT
    updated_at: datetime = ABSENT


class NewWebhook(Model):
    id: str = ABSENT
    organization_id: str | None = ABSENT
    url: str = ABSENT
    events: list[WebhookEventType] = ABSENT
    enabled: bool = ABSENT
    disabled_at: datetime | None = ABSENT
    disabled_because: DisabledBecause | None = ABSENT
    """REQUEST: a user disabled it. FAILURES: no delivery succeeded for five days. GONE: it answered 410."""
    failing_since: datetime | None = ABSENT
    """The first failed try after the last successful one."""
    created_at: datetime = ABSENT
    updated_at: datetime = ABSENT
    secret: str = ABSENT
    """The secret that signs the deliveries. It is shown here only."""


class Webhook(Model):
    """An endpoint that receives events."""

    id: str = ABSENT
    organization_id: str | None = ABSENT
    url: str = ABSENT
    events: list[WebhookEventType] = ABSENT
    enabled: bool = ABSENT
    disabled_at: datetime | None = ABSENT
    disabled_because: DisabledBecause | None = ABSENT
    """REQUEST: a user disabled it. FAILURES: no delivery succeeded for five days. GONE: it answered 410."""
    failing_since: datetime | None = ABSENT
    """The first failed try after the last successful one."""
    created_at: datetime = ABSENT
    updated_at: datetime = ABSENT


class AdminEntry(Model):
    """One action of a platform admin."""

    id: str = ABSENT
    user_id: str = ABSENT
    """The admin; `operator` for a command of the operator."""
    action: str = ABSENT
    subject: str | None = ABSENT
    details: dict[str, Any] | None = ABSENT
    source: str = ABSENT
    """The address from which the request came."""
    created_at: datetime = ABSENT


class AdminUser(Model):
    """A user of the deployment."""

    id: str = ABSENT
    email: str = ABSENT
    name: str | None = ABSENT
    platform_admin: bool = ABSENT
    suspended_at: datetime | None = ABSENT
    suspended_because: str | None = ABSENT
    created_at: datetime = ABSENT


class EngineSwitch(Model):
    """An engine of the deployment."""

    name: str = ABSENT
    stage: Stage = ABSENT
    enabled: bool = ABSENT
    disabled_because: str | None = ABSENT
    disabled_by: str | None = ABSENT
    disabled_at: datetime | None = ABSENT


class Granted(Model):
    """The account after the grant."""

    available: int = ABSENT
    held: int = ABSENT
    operation_id: str = ABSENT
    """The entry of the ledger."""


class Notifications(Model):
    film_completed: bool = ABSENT
    film_failed: bool = ABSENT
    low_credits: bool = ABSENT


class Settings(Model):
    name: str | None = ABSENT
    email: str = ABSENT
    new_email: str | None = ABSENT
    """An address that is the account's once it is confirmed with its link."""
    email_refusal: Refusal | None = ABSENT
    """Why the address gets no email. BOUNCED: the mailbox did not exist. COMPLAINED: its owner reported a message as
    spam. Another address gets email.
    """
    avatar: str | None = ABSENT
    """The id of the asset."""
    avatar_url: str | None = ABSENT
    notifications: Notifications = ABSENT
    default_preset_id: str | None = ABSENT
    """null also if the preset has been deleted."""
    default_aspect_ratio: (
        SkipValidation[Literal["16:9", "9:16", "1:1", "4:5", "5:4", "4:3", "3:4", "3:2", "2:3", "21:9"]] | None
    ) = ABSENT
    locale: Locale | None = ABSENT
    theme: Theme = ABSENT
    updated_at: datetime = ABSENT


class JobSnapshot(Model):
    """The whole job. Ignore events whose `seq` is not higher. The server sends it after a subscription. It sends it
    instead of events if the job has many subscribers, or if the socket did not accept an event. If the job has
    ended, no event follows.
    """

    type: Literal["job.snapshot"]
    job_id: str = ABSENT
    seq: int = ABSENT
    job: Job = ABSENT


class JobProgress(Model):
    """The job's status, step, progress or preview changed. `progress` is 0..100 for the whole job."""

    type: Literal["job.progress"]
    job_id: str = ABSENT
    seq: int = ABSENT
    progress: int = ABSENT
    current_step: Stage | None = ABSENT
    status: JobStatus = ABSENT
    preview_url: str | None = None
    """The newest preview of the current step, a small picture."""


class StepCompleted(Model):
    """One step of the job has its result. `resultUrl` opens a small, marked preview of it: the job is not paid yet."""

    type: Literal["step.completed"]
    job_id: str = ABSENT
    seq: int = ABSENT
    step_id: str = ABSENT
    step_type: Stage = ABSENT
    result_url: str | None = ABSENT
    understood: list[str] | None = None
    """Of a painted picture: the phrases that the painter knows."""
    not_understood: list[str] | None = None
    """Of a painted picture: the words of which nothing is painted."""
    read_as: dict[str, str] | None = None
    """Of a painted picture: unknown words -> the near phrases painted instead."""


class JobCompleted(Model):
    """The film is ready. No event of the job follows. Of a still, both URLs are null, and the job has `imageUrl`."""

    type: Literal["job.completed"]
    job_id: str = ABSENT
    seq: int = ABSENT
    video_url: str | None = ABSENT
    thumbnail_url: str | None = ABSENT


class JobFailed(Model):
    """The job failed, and its credits are released. No event of the job follows."""

    type: Literal["job.failed"]
    job_id: str = ABSENT
    seq: int = ABSENT
    error: str | None = ABSENT


Event = Annotated[JobSnapshot | JobProgress | StepCompleted | JobCompleted | JobFailed, Field(discriminator="type")]
