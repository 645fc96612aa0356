"""Each fault of a provider with its outcome: the tests run this table, and `docs/engines.md` shows it."""

from dataclasses import dataclass
from enum import StrEnum

from local.imitation.faults import Fault, ProviderCall
from shared.stages.engines import ALL_ENGINES


class FaultOutcome(StrEnum):
    """The end of a step whose provider has one fault. Every end without a film is uncharged."""

    FILM = "the film, paid once"
    REPEATED = "the film, after a second request: the provider failed by its own fault"
    UNCONFIRMED = "`submission_unconfirmed`: never sent again, on record"
    REFUSED = "`provider_refused`"
    MODERATED = "`content_refused`: never sent again"
    FAILED = "`provider_failed`"
    UNUSABLE = "`result_unusable`"
    LOST = "`result_lost`"
    CAMERA = "the film of the 2.5D camera, at its lower price"
    ONCE_MORE = "the film of a second request with another seed, without more credits"


@dataclass(frozen=True)
class FaultCase:
    """One fault in one kind of call, with the outcome for each provider that can have it."""

    call: ProviderCall
    fault: Fault
    about: str
    ends: dict[str, FaultOutcome]


ENGINES_OF = {
    "runway": "runway-gen4.5",
    "runway-upscale": "runway-upscale",
    "fal": "fal-pika",
    "luma": "luma-ray",
    "luma-layers": "luma-layers",
    "openai": "openai-image",
    "flux": "flux-pro",
    "google": "google-omni",
    "stability": "stability-core",
    "elevenlabs": "elevenlabs-music",
}
"""The engine with which each column of the table is run."""
PROVIDER_OF = {
    column: str(one.key).removesuffix("-key")
    for column, name in ENGINES_OF.items()
    for one in ALL_ENGINES
    if one.name == name
}
"""The provider of each column."""

AT_ONCE = {"openai", "stability", "elevenlabs"}
"""The providers that answer a submission with the file."""


def _all(outcome: FaultOutcome, **others: FaultOutcome) -> dict[str, FaultOutcome]:
    return dict.fromkeys(ENGINES_OF, outcome) | others


def _polled(outcome: FaultOutcome, **others: FaultOutcome) -> dict[str, FaultOutcome]:
    """Return the outcome for each provider that is polled."""
    return {name: end for name, end in _all(outcome, **others).items() if name not in AT_ONCE}


def _filmed(outcome: FaultOutcome) -> dict[str, FaultOutcome]:
    """Return the outcome for each provider that makes clips."""
    return dict.fromkeys(("runway", "fal", "luma", "google"), outcome)


def _uploaded(outcome: FaultOutcome) -> dict[str, FaultOutcome]:
    """Return the outcome for each column whose provider gets copies of the inputs."""
    return dict.fromkeys(("runway", "runway-upscale"), outcome)


UPLOAD = ProviderCall.UPLOAD
SUBMIT, POLL, RESULT, FILE = ProviderCall.SUBMIT, ProviderCall.POLL, ProviderCall.RESULT, ProviderCall.FILE
FAULTS: tuple[FaultCase, ...] = (
    FaultCase(UPLOAD, Fault.THROTTLED, "429 with `Retry-After`", _uploaded(FaultOutcome.FILM)),
    FaultCase(
        UPLOAD, Fault.UNKNOWN_KEY, "the key is refused, and no newer key is stored", _uploaded(FaultOutcome.REFUSED)
    ),
    FaultCase(UPLOAD, Fault.TIMED_OUT, "504", _uploaded(FaultOutcome.FILM)),
    FaultCase(UPLOAD, Fault.DROPPED, "the connection ends", _uploaded(FaultOutcome.FILM)),
    FaultCase(UPLOAD, Fault.WRONG_CONTENT, "200 with an HTML page", _uploaded(FaultOutcome.FILM)),
    FaultCase(SUBMIT, Fault.THROTTLED, "429 with `Retry-After`", _all(FaultOutcome.FILM)),
    FaultCase(SUBMIT, Fault.UNAVAILABLE, "503", _all(FaultOutcome.FILM)),
    FaultCase(SUBMIT, Fault.UNKNOWN_KEY, "the key is refused, and no newer key is stored", _all(FaultOutcome.REFUSED)),
    FaultCase(SUBMIT, Fault.MODERATED_INPUT, "the prompt is refused", _all(FaultOutcome.MODERATED)),
    FaultCase(SUBMIT, Fault.FAILED_BEFORE, "500, not accepted", _all(FaultOutcome.UNCONFIRMED)),
    FaultCase(SUBMIT, Fault.FAILED_AFTER, "502, accepted", _all(FaultOutcome.UNCONFIRMED)),
    FaultCase(SUBMIT, Fault.TIMED_OUT, "504, accepted", _all(FaultOutcome.UNCONFIRMED)),
    FaultCase(SUBMIT, Fault.DROPPED, "accepted, then the connection ends", _all(FaultOutcome.UNCONFIRMED)),
    FaultCase(SUBMIT, Fault.WRONG_CONTENT, "200 with an HTML page", _all(FaultOutcome.UNCONFIRMED)),
    FaultCase(
        SUBMIT, Fault.OTHER_HOST, "URLs of another host", {"fal": FaultOutcome.FAILED, "flux": FaultOutcome.FAILED}
    ),
    FaultCase(
        SUBMIT,
        Fault.BROKEN,
        "200 with a file of another type",
        dict.fromkeys(sorted(AT_ONCE), FaultOutcome.UNCONFIRMED),
    ),
    FaultCase(
        SUBMIT,
        Fault.MODERATED_OUTPUT,
        "the picture is refused",
        dict.fromkeys(("openai", "stability"), FaultOutcome.MODERATED),
    ),
    FaultCase(POLL, Fault.WORKING, "not finished", _polled(FaultOutcome.FILM)),
    FaultCase(POLL, Fault.UNKNOWN_STATE, "a state that no document names", _polled(FaultOutcome.FILM)),
    FaultCase(POLL, Fault.THROTTLED, "429", _polled(FaultOutcome.FILM)),
    FaultCase(POLL, Fault.UNKNOWN_KEY, "the key is refused", _polled(FaultOutcome.FILM)),
    FaultCase(POLL, Fault.TIMED_OUT, "504", _polled(FaultOutcome.FILM)),
    FaultCase(POLL, Fault.DROPPED, "the connection ends", _polled(FaultOutcome.FILM)),
    FaultCase(POLL, Fault.WRONG_CONTENT, "200 with an HTML page", _polled(FaultOutcome.FILM)),
    FaultCase(POLL, Fault.MODERATED_OUTPUT, "the result is refused", _polled(FaultOutcome.MODERATED)),
    FaultCase(POLL, Fault.BROKEN, "the generation failed", _polled(FaultOutcome.REPEATED)),
    FaultCase(
        POLL,
        Fault.OTHER_HOST,
        "a file without TLS at another host",
        {
            "runway": FaultOutcome.UNUSABLE,
            "runway-upscale": FaultOutcome.UNUSABLE,
            "luma": FaultOutcome.UNUSABLE,
            "luma-layers": FaultOutcome.UNUSABLE,
            "flux": FaultOutcome.UNUSABLE,
            "google": FaultOutcome.UNUSABLE,
        },
    ),
    FaultCase(RESULT, Fault.TIMED_OUT, "504 after COMPLETED", {"fal": FaultOutcome.FILM}),
    FaultCase(RESULT, Fault.WRONG_CONTENT, "200 with an HTML page", {"fal": FaultOutcome.FILM}),
    FaultCase(RESULT, Fault.OTHER_HOST, "a file without TLS at another host", {"fal": FaultOutcome.UNUSABLE}),
    FaultCase(FILE, Fault.FAILED_BEFORE, "500", _polled(FaultOutcome.FILM)),
    FaultCase(FILE, Fault.DROPPED, "the connection ends during the download", _polled(FaultOutcome.FILM)),
    FaultCase(FILE, Fault.SLOW, "a byte now and then", _polled(FaultOutcome.FILM)),
    FaultCase(
        FILE,
        Fault.EXPIRED,
        "the URL is no longer valid",
        _polled(FaultOutcome.FILM, fal=FaultOutcome.LOST, google=FaultOutcome.LOST),
    ),
    FaultCase(FILE, Fault.WRONG_CONTENT, "200 with an HTML page", _polled(FaultOutcome.UNUSABLE)),
    FaultCase(FILE, Fault.STILL, "a clip without movement", _filmed(FaultOutcome.CAMERA)),
    FaultCase(FILE, Fault.STILL, "the same, with `onMissedMove: repeat`", _filmed(FaultOutcome.ONCE_MORE)),
)
