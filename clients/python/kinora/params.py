"""Types of requests. `python -m tools.client` writes them from docs/openapi.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from typing_extensions import Required

    from .models import (
        AccountRole,
        AssetType,
        Easing,
        JobOutput,
        Locale,
        PackName,
        Permission,
        Resolution,
        Theme,
        WebhookEventType,
    )


class ErasureParams(TypedDict, total=False):
    password: Required[str]
    code: str | None
    """Of an account with a second factor: a code, as in `login`."""


class ForgottenParams(TypedDict, total=False):
    email: Required[str]


class KeyCreateParams(TypedDict, total=False):
    name: Required[str]
    scopes: Required[Sequence[Permission]]
    """What the key may do. It never has `account:read` and `account:write`."""
    monthly_cap: int | None
    """Credits that the key may spend in a calendar month (UTC)."""
    test: bool
    """A test key. Its jobs get a fixed film within seconds, and cost nothing. Default: `false`."""
    expires_at: datetime | str | None
    """A time in the future. Without it: never."""


class LoginParams(TypedDict, total=False):
    email: Required[str]
    password: Required[str]
    code: str | None
    """Of an account with a second factor: the code of the app, or a recovery code."""


class PasswordChangeParams(TypedDict, total=False):
    current_password: Required[str]
    new_password: Required[str]


class RegisterParams(TypedDict, total=False):
    email: Required[str]
    password: Required[str]
    name: str | None


class ResetParams(TypedDict, total=False):
    token: Required[str]
    """The part of the link after `token=`."""
    password: Required[str]


class TotpCreateParams(TypedDict, total=False):
    password: Required[str]


class TotpDeleteParams(TypedDict, total=False):
    password: Required[str]
    code: Required[str]
    """The code of the app, or a recovery code."""


class TotpEnableParams(TypedDict, total=False):
    code: Required[str]
    """The code that the app shows."""


class VerificationParams(TypedDict, total=False):
    token: Required[str]
    """The part of the link after `token=`."""


class ProjectCreateParams(TypedDict, total=False):
    """A new project of the organization, or of the caller's own account."""

    name: Required[str]
    organization_id: str | None


class ProjectWriteParams(TypedDict, total=False):
    name: Required[str]


class CreditsGiftParams(TypedDict, total=False):
    """Credits that move from the caller's own account to the organization's."""

    credits: Required[int]


class InviteAcceptParams(TypedDict, total=False):
    token: Required[str]


class MemberInviteParams(TypedDict, total=False):
    email: Required[str]
    role: AccountRole
    """Default: `"MEMBER"`."""


class MemberUpdateParams(TypedDict, total=False):
    """A member's new role, or the credits that the member may spend in a calendar month (UTC). null: all of them."""

    role: AccountRole
    monthly_cap: int | None


class OrganizationCreateParams(TypedDict, total=False):
    """A new organization. Its `slug` is unique and does not change."""

    name: Required[str]
    slug: Required[str]


class OrganizationTransferParams(TypedDict, total=False):
    """The member who becomes the owner. The caller becomes an ADMIN."""

    member_id: Required[str]


class OrganizationUpdateParams(TypedDict, total=False):
    name: Required[str]


class JobAgainParams(TypedDict, total=False):
    """The optional body of a request that makes an older job again."""

    max_credits: int | None
    """The most that the request may cost, such as `credits` of a quote. If the price is higher now, the request is
    refused with `max_credits_exceeded` and nothing is held.
    """


class JobContinueParams(TypedDict, total=False):
    """The changes for the film that follows. What the body leaves out is as in the older job."""

    preset_id: str | None
    settings: JobSettingsParams | None
    """The settings that change. The shape and the style of the picture cannot change."""
    inputs: Sequence[JobInputParams]
    """A driving clip, sound or captions. The picture is given. Default: `[]`."""
    max_credits: int | None
    """The most that the request may cost, such as `credits` of a quote. If the price is higher now, the request is
    refused with `max_credits_exceeded` and nothing is held.
    """


class JobCreateParams(TypedDict, total=False):
    project_id: Required[str]
    prompt: Required[str]
    preset_id: str
    """Default: `"crash-zoom-in"`."""
    settings: JobSettingsParams
    """Default: `{"aspectRatio": "16:9", "duration": 5.0, "resolution": "1080p", "fps": 24, "strength": 1.0,
    "operations": [], "engines": {}, "loop": false, "transfer": "stabilised"}`.
    """
    inputs: Sequence[JobInputParams]
    """Default: `[]`."""
    until: Literal["IMAGE_GENERATION"] | None
    """The last step of the job, which is charged up to it. `IMAGE_GENERATION` makes a still, from which `POST
    /api/jobs/{jobId}/continue` makes the film.
    """
    count: int
    """The number of jobs, with the seeds `seed`, `seed` + 1 and so on. All are accepted, or none. The answer is the
    first job, with the ids of all in `batch`. Default: `1`.
    """
    max_credits: int | None
    """The most that the request may cost, such as `credits` of a quote. If the price is higher now, the request is
    refused with `max_credits_exceeded` and nothing is held.
    """


class JobExtendParams(TypedDict, total=False):
    preset_id: str | None
    settings: JobSettingsParams | None
    """The settings that change. The shape and the style of the picture cannot change."""
    inputs: Sequence[JobInputParams]
    """A driving clip, sound or captions. The picture is given. Default: `[]`."""
    max_credits: int | None
    """The most that the request may cost, such as `credits` of a quote. If the price is higher now, the request is
    refused with `max_credits_exceeded` and nothing is held.
    """
    prompt: str | None


class JobInputParams(TypedDict, total=False):
    """An asset of the account that the job uses, with its role in the job."""

    role: Required[Literal["picture", "driving", "audio", "captions"]]
    asset_id: Required[str]


class JobSettingsParams(TypedDict, total=False):
    """The settings of a job, besides prompt and preset. Durations are in seconds."""

    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:5", "5:4", "4:3", "3:4", "3:2", "2:3", "21:9"]
    """With a picture, the default is the ratio that is closest to the first picture's. Default: `"16:9"`."""
    duration: float
    """Default: `5`."""
    resolution: Resolution
    """Default: `"1080p"`."""
    fps: Literal[24, 25, 30]
    """Default: `24`."""
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
    """Default: `1`."""
    on_missed_move: Literal["camera", "repeat", "keep"] | None
    """If the clip of a trained engine does not follow the camera move: `camera` (default) renders the move over the
    picture with the 2.5D camera, at its lower price. `repeat` makes the clip once more with another seed, without
    more credits, and uses that one. `keep` uses the clip.
    """
    sound_prompt: str | None
    """What the film sounds like. Name the engine that makes the sound: `engines.POST_PROCESSING` is `elevenlabs-
    effects` or `elevenlabs-music`. Such a film has no input with the role audio.
    """
    stack: StackedPresetParams | None
    operations: Sequence[str]
    """Default: `[]`."""
    engines: Mapping[str, str]
    loop: bool
    """Default: `false`."""
    transfer: Literal["handheld", "stabilised", "exact"]
    """Default: `"stabilised"`."""


class StackedPresetParams(TypedDict, total=False):
    """A second preset that is added to the first, with a weight of 0..1."""

    preset_id: Required[str]
    weight: float
    """Default: `0.5`."""


class AssetCreateParams(TypedDict, total=False):
    asset_id: Required[str]


class AssetImportParams(TypedDict, total=False):
    """A file at a URL of the internet. The URL begins with https:// and has the port 443. The asset belongs to the
    account of its project. Without a project it belongs to the caller's own account.
    """

    url: Required[str]
    name: Required[str]
    type: Required[AssetType]
    project_id: str | None


class AssetUploadParams(TypedDict, total=False):
    """A request for an upload form. `size` is the size of the file in bytes. The asset belongs to the account of its
    project. Without a project it belongs to the caller's own account.
    """

    name: Required[str]
    type: Required[AssetType]
    content_type: Required[
        Literal[
            "application/x-subrip",
            "audio/aac",
            "audio/flac",
            "audio/m4a",
            "audio/mp3",
            "audio/mp4",
            "audio/mpeg",
            "audio/ogg",
            "audio/opus",
            "audio/vnd.wave",
            "audio/wav",
            "audio/webm",
            "audio/x-flac",
            "audio/x-m4a",
            "audio/x-wav",
            "image/avif",
            "image/gif",
            "image/jpeg",
            "image/png",
            "image/tiff",
            "image/webp",
            "text/plain",
            "text/srt",
            "text/vtt",
            "video/mp4",
            "video/quicktime",
            "video/webm",
            "video/x-m4v",
            "video/x-matroska",
        ]
    ]
    size: Required[int]
    project_id: str | None


class OutputImportParams(TypedDict, total=False):
    """A file that a completed job has delivered. The asset belongs to the job's project."""

    job_id: Required[str]
    output: Required[JobOutput]
    name: Required[str]


class CameraMoveParams(TypedDict, total=False):
    """The camera move of a preset. Engines that accept only text receive `prompt_phrase`."""

    keyframes: Required[Sequence[KeyframeParams]]
    easing: Easing
    """Default: `"ease_in_out"`."""
    strength: float
    """Default: `1`."""
    shutter: float
    """Default: `0.5`."""
    min_duration_seconds: float
    """Default: `1`."""
    max_duration_seconds: float
    """Default: `10`."""
    prompt_phrase: str
    """Default: `""`."""
    negatives: Sequence[str]
    """Default: `[]`."""
    needs_driving_clip: bool
    """Default: `false`."""
    stacked: StackedMoveParams | None


class KeyframeParams(TypedDict, total=False):
    """A pose at the time `at`, a fraction (0..1) of the clip's duration."""

    at: Required[float]
    truck: float
    """Default: `0`."""
    pedestal: float
    """Default: `0`."""
    dolly: float
    """Default: `0`."""
    pan: float
    """Default: `0`."""
    tilt: float
    """Default: `0`."""
    roll: float
    """Default: `0`."""
    zoom: float
    """Default: `1`."""
    focus: float | None
    shake: float
    """Default: `0`."""
    fisheye: float
    """Default: `0`."""


class OwnPresetCreateParams(TypedDict, total=False):
    """A new private preset of the organization, or of the caller's own account."""

    name: Required[str]
    description: str | None
    category: Required[Literal["dolly", "zoom", "crane-and-tilt", "orbit", "rig", "stylised", "time"]]
    config: Required[CameraMoveParams]
    organization_id: str | None


class OwnPresetUpdateParams(TypedDict, total=False):
    """New values of some fields of a private preset. Jobs that were submitted with it keep its former move."""

    name: str
    description: str | None
    category: Literal["dolly", "zoom", "crane-and-tilt", "orbit", "rig", "stylised", "time"]
    config: CameraMoveParams


class PresetCreateParams(TypedDict, total=False):
    """A new preset: a camera move with its labels."""

    name: Required[str]
    description: str | None
    category: Required[Literal["dolly", "zoom", "crane-and-tilt", "orbit", "rig", "stylised", "time"]]
    config: Required[CameraMoveParams]


class PresetDuplicateParams(TypedDict, total=False):
    """The account that gets the copy: an organization's, or the caller's own. The copy has the same name by default."""

    name: str
    organization_id: str | None


class PresetUpdateParams(TypedDict, total=False):
    """New values of some fields of a preset of the studio. A built-in preset keeps its move and its category."""

    name: str
    description: str | None
    category: Literal["dolly", "zoom", "crane-and-tilt", "orbit", "rig", "stylised", "time"]
    config: CameraMoveParams
    is_public: bool
    """Whether the preset is listed. A preset that is not listed still works."""


class StackedMoveParams(TypedDict, total=False):
    """The second move of a pair, with its weight."""

    move: Required[CameraMoveParams]
    weight: float
    """Default: `0.5`."""


class ShareCreateParams(TypedDict, total=False):
    """A public link to a job's film. Visitors see the title."""

    job_id: Required[str]
    title: Required[str]


class CheckoutParams(TypedDict, total=False):
    organization_id: str | None
    """The organization that buys, or the caller."""
    plan: Literal["PRO", "ENTERPRISE"] | None
    pack: PackName | None


class WebhookCreateParams(TypedDict, total=False):
    url: Required[str]
    """A URL with https:// on the public Internet."""
    events: Required[Sequence[WebhookEventType]]
    """The events to receive."""
    organization_id: str | None
    """An organization. Without it: the caller's own account."""


class WebhookUpdateParams(TypedDict, total=False):
    """A change. A field that is absent stays as it is."""

    url: str
    """A URL with https:// on the public Internet."""
    events: Sequence[WebhookEventType]
    """The events to receive."""
    enabled: bool
    """true also enables a webhook that Kinora disabled."""


class CreditsGrantParams(TypedDict, total=False):
    """Credits for an account. With a job, they are its refund, once and at most as many as it cost."""

    credits: Required[int]
    reason: Required[str]
    refunds: str | None
    """The id of a completed job of the account."""


class EngineDisablingParams(TypedDict, total=False):
    reason: Required[str]


class SuspensionParams(TypedDict, total=False):
    reason: Required[str]


class NotificationsUpdateParams(TypedDict, total=False):
    """The emails to switch on or off. The default of each one is off."""

    film_completed: bool | None
    """A film of yours is ready."""
    film_failed: bool | None
    """A film of yours could not be made."""
    low_credits: bool | None
    """A film of yours has left few credits on your own account; once in 30 days at most."""


class SettingsUpdateParams(TypedDict, total=False):
    name: str | None
    avatar: str | None
    """The id of a READY picture asset of the caller's own account."""
    email: str | None
    current_password: str | None
    """Needed for a new address."""
    notifications: NotificationsUpdateParams | None
    default_preset_id: str | None
    """The preset of jobs that name none: one of the studio, or an own one."""
    default_aspect_ratio: Literal["16:9", "9:16", "1:1", "4:5", "5:4", "4:3", "3:4", "3:2", "2:3", "21:9"] | None
    """The ratio of jobs that name none. A job with a picture takes the ratio closest to its picture."""
    locale: Locale | None
    theme: Theme | None


class BrowserErrorParams(TypedDict, total=False):
    """An error without its message, because a message can quote a creator."""

    name: Required[str]
    """The error's class"""
    page: Required[str]
    """Path of the page without its query"""
    frames: Required[Sequence[BrowserFrameParams]]
    """The stack, with the innermost call last"""


class BrowserFrameParams(TypedDict, total=False):
    file: Required[str]
    """Path of a script on the studio's origin"""
    function: str
    """Default: `"?"`."""
    line: Required[int]
