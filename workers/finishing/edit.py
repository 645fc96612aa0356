"""The film's frames as the operations ask for them, from the clip's frames in one pass."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from shared.camera.move import CameraMove
from shared.stages.failures import StageFailure
from shared.stages.metadata import PostProcessingMetadata
from shared.stages.operations import Operation
from workers.finishing import rhythm
from workers.finishing.rhythm import Interpolation
from workers.finishing.steadying import Steadying
from workers.finishing.treatments import (
    BY_PIXEL,
    Denoise,
    Fade,
    Letterbox,
    Sharpen,
    Treatment,
    bars,
    treatment,
)
from workers.finishing.watch import Watch
from workers.media import captions, overlays
from workers.media.captions import Cue
from workers.media.codecs import evenly, read_timed
from workers.media.lettering import Lettering
from workers.media.planes import Planes
from workers.media.scaling import Scale
from workers.motion import camera_path
from workers.motion.motion_course import CourseCheck

_FADE_SECONDS = 0.5
_LONGEST_LOOP = 1 / 3  # of the film

Asked = dict[str, Operation]


@dataclass(frozen=True, slots=True)
class EvenClip:
    """A clip read at an even frame rate; `aspect` is width / height, `seconds` its duration."""

    path: Path
    aspect: float
    seconds: float
    fps: Fraction

    @property
    def length(self) -> int:
        """Number of frames."""
        return round(self.seconds * self.fps)

    def frames(self) -> Iterator[Planes]:
        """Yield each frame; raises Unreadable."""
        return evenly(read_timed(self.path), self.fps, self.seconds)


@dataclass(frozen=True, slots=True)
class FilmFormat:
    """Size of the film in pixels, frames per second, and number of frames if the clip is as long as it says."""

    width: int
    height: int
    fps: Fraction
    frames: int


def steadied(clip: EvenClip, amount: float, done: Callable[[], None]) -> Steadying:
    """Measure the clip's camera path in a pass of its own; calls `done` after each frame."""

    def frames() -> Iterator[Planes]:
        for planes in clip.frames():
            yield planes
            done()

    path = camera_path.accumulate(camera_path.estimate(camera_path.tracked(frames())))
    return Steadying.of(path, float(clip.fps), clip.aspect, amount)


def drawable_captions(path: Path) -> list[Cue]:
    """Read captions all of whose letters have a font; raises Unreadable."""
    cues = captions.read(path)
    for cue in cues:
        overlays.check_drawable(cue.text)
    return cues


class Edit:
    """The film's frames, drawn in the one order that is right for every set of operations.

    Frames are stabilised, denoised, looped, interpolated and scaled; then come the treatments in the order of the
    request; then what lies over the picture: bars, captions, watermark.
    """

    def __init__(
        self,
        clip: EvenClip,
        asked: Asked,
        size: tuple[int, int],
        *,
        seed: int,
        steadying: Steadying | None = None,
        cues: list[Cue] | None = None,
        asked_move: CameraMove | None = None,
    ) -> None:
        """`asked_move` is the move that a provider's clip is scored against. Raises StageFailure `clip_too_short`."""
        self._clip, self._asked, self._steadying = clip, asked, steadying
        self._watch = Watch(CourseCheck(asked_move, float(clip.fps))) if asked_move else None
        self._window = 0
        if "loop" in asked:
            self._window = min(round(float(asked["loop"].choice) * clip.fps), int(clip.length * _LONGEST_LOOP))
            if not self._window:
                raise StageFailure("clip_too_short", "The clip has too few pictures to end as it begins.")
        target = int(asked["interpolate"].choice) if "interpolate" in asked else 0
        self._interpolation = Interpolation(clip.fps, target, closed="loop" in asked) if target > clip.fps else None
        fps = Fraction(target) if self._interpolation else clip.fps
        self.film = FilmFormat(*size, fps, max(1, round((clip.length - self._window) / clip.fps * fps)))
        self._treatments = self._chosen(seed, cues or [])

    def drawn(self, done: Callable[[], None]) -> Iterator[Planes]:
        """Yield every frame; calls `done` after each frame of the clip; raises Unreadable."""
        frames = self._placed(self._read(done))
        if "denoise" in self._asked:
            frames = map(Denoise(self._asked["denoise"].amount), frames)
        if self._window:
            frames = rhythm.looped(frames, self._window)
        if self._interpolation:
            frames = self._interpolation(frames)
        scale = Scale(self.film.width, self.film.height)
        for planes in map(scale, frames):
            treated = planes
            for treat in self._treatments:
                treated = treat(treated)
            yield treated

    @property
    def done(self) -> Asked:
        """The operations that apply: a film that has the frames already is not interpolated."""
        return {name: one for name, one in self._asked.items() if name != "interpolate" or self._interpolation}

    def metadata(self) -> PostProcessingMetadata:
        """Return what the pass measured; call it after `drawn`."""
        measured: PostProcessingMetadata = {"operations": [str(operation) for operation in self.done.values()]}
        if self._steadying:
            measured["jitterBefore"] = self._steadying.jitter_before
            measured["jitterAfter"] = self._steadying.jitter_after
            measured["crop"] = round(self._steadying.crop, 4)
        if self._interpolation:
            measured["cuts"] = self._interpolation.cuts
        if self._watch and (score := self._watch.score()) is not None:
            measured["motionScore"] = round(score, 3)
        return measured

    def _read(self, done: Callable[[], None]) -> Iterator[Planes]:
        for planes in self._clip.frames():
            if self._watch:
                self._watch.see(planes)
            yield planes
            done()

    def _placed(self, frames: Iterator[Planes]) -> Iterator[Planes]:
        """Move frames onto the steady path, and scale them to the final size in the same step."""
        if self._steadying is None:
            return frames
        steadying, (width, height) = self._steadying, (self.film.width, self.film.height)
        return (steadying.apply(planes, index, width, height) for index, planes in enumerate(frames))

    def _chosen(self, seed: int, cues: list[Cue]) -> list[Treatment]:
        asked, film = self._asked, self.film
        width, height = film.width, film.height
        chosen: list[Treatment] = [Sharpen(0.5, height)] if "upscale" in asked else []
        chosen += [treatment(one, width, height, seed) for one in asked.values() if one.name in BY_PIXEL]
        side, foot = bars(float(asked["letterbox"].choice), width, height) if "letterbox" in asked else (0, 0)
        if "fade" in asked:
            chosen.append(Fade(asked["fade"].choice, _up_to(film, _FADE_SECONDS), film.frames))
        if side or foot:
            chosen.append(Letterbox(side, foot))
        if cues:
            chosen.append(_Captioned(cues, film, (side, foot)))
        if "watermark" in asked:
            chosen.append(overlays.watermark(asked["watermark"].choice, width, height, (side, foot)))
        return chosen


class _Captioned:
    """A treatment that lays the current caption over each frame."""

    def __init__(self, cues: list[Cue], film: FilmFormat, bars: tuple[int, int]) -> None:
        self._cues, self._fps, self._seen = cues, float(film.fps), 0
        letters = Lettering("\n".join(cue.text for cue in cues))
        self._drawn = lru_cache(maxsize=4)(lambda text: overlays.caption(text, letters, film.width, film.height, bars))

    def __call__(self, planes: Planes) -> Planes:
        text = captions.shown_at(self._cues, self._seen / self._fps)
        self._seen += 1
        return self._drawn(text)(planes) if text else planes


def _up_to(film: FilmFormat, seconds: float) -> int:
    """Return `seconds` in frames, at most a quarter of the film."""
    return max(1, min(round(seconds * film.fps), film.frames // 4))
