"""The limits of a remote engine, checked again before a submission: an older release may have planned the job."""

from math import sqrt

from shared.stages.catalogue_entry import Engine
from shared.stages.failures import StageFailure
from shared.stages.frames import nearest_ratio
from shared.stages.provider_prompts import utf16_units, with_camera
from shared.stages.requests import VideoSynthesisJob


def check(entry: Engine, request: VideoSynthesisJob) -> None:
    """Raise StageFailure `engine_cannot` if the request is outside the limits of the catalogue's entry."""
    if entry.max_pictures is not None and len(request.more_image_urls) >= entry.max_pictures:
        accepted = "one picture only" if entry.max_pictures == 1 else f"at most {entry.max_pictures} pictures"
        raise StageFailure("engine_cannot", f"This engine accepts {accepted}.")
    if request.loop and not entry.can_loop(request.duration, pictures=1 + len(request.more_image_urls)):
        raise StageFailure("engine_cannot", "This engine cannot make a film that loops.")
    if entry.durations is not None and request.duration not in entry.durations:
        raise StageFailure("engine_cannot", f"This engine cannot make a film of {request.duration:g} seconds.")
    if entry.ratios is not None and (ratio := nearest_ratio(request.width, request.height)) not in entry.ratios:
        raise StageFailure("engine_cannot", f"This engine cannot make a film in {ratio}.")
    length = utf16_units(with_camera(request.prompt, request.move))
    if entry.max_prompt_units is not None and length > entry.max_prompt_units:
        raise StageFailure("engine_cannot", "The prompt is too long for this engine.")


def frame(width: int, height: int, *, pixels: int, multiple: int) -> tuple[int, int]:
    """Return the largest size in this aspect ratio with at most `pixels`, and sides that are multiples, in pixels."""
    scale = min(1.0, sqrt(pixels / (width * height)))
    return _down(width * scale, multiple), _down(height * scale, multiple)


def _down(length: float, multiple: int) -> int:
    return max(multiple, int(length) // multiple * multiple)
