"""One pass that applies the requested operations to the clip's frames and yields the film's frames."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import NamedTuple, Self

from shared.camera.move import CameraMove
from shared.stages.failures import StageFailure
from shared.stages.metadata import PostProcessingMetadata
from shared.stages.operations import Operation
from shared.stages.requests import Place
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
    shift,
    treatment,
)
from workers.finishing.watch import Watch
from workers.media import captions, overlays
from workers.media.captions import Cue
from workers.media.codecs import evenly, read_timed
from workers.media.lettering import Lettering
from workers.media.overlays import CaptionPage, Overlay
from workers.media.planes import Bytes, Planes, from_rgb, to_rgb
from workers.media.probe import probe
from workers.media.scaling import Scale
from workers.motion import camera_path
from workers.motion.motion_course import CourseCheck

_LOWEST_FPS, _HIGHEST_FPS = Fraction(5), Fraction(60)
_LONGEST_SECONDS = 120.0  # maximum duration of a film; a wrong timestamp in a clip would otherwise cost hours
_FADE_SECONDS = 0.5
_PAGE_SECONDS = 1.0  # minimum time of a page of a caption that needs several
_LONGEST_LOOP = 1 / 3  # maximum length of the loop's dissolve, as a fraction of the clip

OperationsByName = dict[str, Operation]
Enlarge = Callable[[Bytes], Bytes]
"""A function that doubles the sides of an RGB picture."""


@dataclass(frozen=True, slots=True)
class EvenClip:
    """A clip that is read at a constant frame rate. `aspect` is width / height, `seconds` its duration."""

    path: Path
    aspect: float
    seconds: float
    fps: Fraction

    @classmethod
    def of(cls, source: Path) -> Self:
        """Return the clip at the frame rate of the film. Raise StageFailure `clip_...` if it cannot be used."""
        facts = probe(source)
        if facts.duration_seconds > _LONGEST_SECONDS:
            raise StageFailure("clip_too_long", f"A film lasts at most {_LONGEST_SECONDS:.0f} seconds.")
        fps = max(_LOWEST_FPS, min(_HIGHEST_FPS, facts.fps.limit_denominator(1001)))
        return cls(source, facts.width / facts.height, facts.duration_seconds, fps)

    @property
    def length(self) -> int:
        """The number of frames."""
        return round(self.seconds * self.fps)

    def frames(self) -> Iterator[Planes]:
        """Yield each frame. Raise Unreadable if the clip cannot be decoded."""
        return evenly(read_timed(self.path), self.fps, self.seconds)


@dataclass(frozen=True, slots=True)
class FilmFormat:
    """Size of the film in pixels, frames per second, and number of frames if the clip's duration is correct."""

    width: int
    height: int
    fps: Fraction
    frames: int


def steadied(clip: EvenClip, amount: float, done: Callable[[], None]) -> Steadying:
    """Measure the clip's camera path in a separate pass. Call `done` after each frame."""

    def frames() -> Iterator[Planes]:
        for planes in clip.frames():
            yield planes
            done()

    path = camera_path.accumulate(camera_path.estimate(camera_path.tracked(frames())))
    return Steadying.of(path, float(clip.fps), clip.aspect, amount)


def drawable_captions(path: Path) -> list[Cue]:
    """Return the captions of a file. Raise Unreadable if the file is unreadable or a letter has no font."""
    cues = captions.read(path, is_clean=True).cues
    for cue in cues:
        overlays.check_drawable(cue.text)
    return cues


class Drawn(NamedTuple):
    """One frame of the film. `bare` is it before fade, bars, captions and watermark, `plain` before all treatments."""

    film: Planes
    bare: Planes
    plain: Planes


class Edit:
    """The operations of one film, applied in a fixed order.

    Frames are stabilised, denoised, looped, interpolated and scaled. Then the treatments follow in the order of the
    request, and then fade, bars, captions and watermark.
    """

    def __init__(
        self,
        clip: EvenClip,
        requested: OperationsByName,
        size: tuple[int, int],
        *,
        seed: int,
        steadying: Steadying | None = None,
        cues: list[Cue] | None = None,
        subject_place: Place | None = None,
        asked_move: CameraMove | None = None,
        enlarge: Enlarge | None = None,
    ) -> None:
        """Prepare the operations. Raise StageFailure `clip_too_short` if the clip is too short for a loop.

        `size` is the film's (width, height) in pixels. The bars do not cover `subject_place`. `asked_move` is the move
        that a remote engine's clip is scored against. `enlarge` does the operation `upscale`, instead of scaling.
        """
        self._clip, self._requested, self._steadying = clip, requested, steadying
        self._watch = Watch(CourseCheck(asked_move, float(clip.fps))) if asked_move else None
        self._subject_place = subject_place
        self._window = 0
        if "loop" in requested:
            self._window = min(round(float(requested["loop"].choice) * clip.fps), int(clip.length * _LONGEST_LOOP))
            if not self._window:
                raise StageFailure("clip_too_short", "The clip has too few frames for a loop.")
        target = int(requested["interpolate"].choice) if "interpolate" in requested else 0
        self._interpolation = Interpolation(clip.fps, target, closed="loop" in requested) if target > clip.fps else None
        fps = Fraction(target) if self._interpolation else clip.fps
        self.film = FilmFormat(*size, fps, max(1, round((clip.length - self._window) / clip.fps * fps)))
        factor = int(requested["upscale"].choice) if enlarge and "upscale" in requested else 1
        self._enlarge, self._doublings = enlarge, factor.bit_length() - 1
        self._size = size[0] // factor, size[1] // factor  # of frames before they are enlarged
        self._counted: PostProcessingMetadata = {}
        self._over: list[Treatment] = []  # after the treatments of the picture itself
        self._on_stills: list[Treatment] = []  # those of them that a still has, too
        self._treatments = self._chosen(seed, cues or [])

    def drawn(self, done: Callable[[], None]) -> Iterator[Drawn]:
        """Yield the film's frames. Call `done` after each frame of the clip. Raise Unreadable if decoding fails."""
        frames = self._placed(self._read(done))
        if "denoise" in self._requested:
            frames = map(Denoise(self._requested["denoise"].amount), frames)
        if self._window:
            frames = rhythm.looped(frames, self._window)
        if self._interpolation:
            frames = self._interpolation(frames)
        for planes in map(self._enlarged, map(Scale(*self._size), frames)):
            bare = _treated(planes, self._treatments)
            yield Drawn(_treated(bare, self._over), bare, planes)

    def still(self, bare: Planes) -> Planes:
        """Return a bare frame with the film's bars and its watermark."""
        return _treated(bare, self._on_stills)

    @property
    def done(self) -> OperationsByName:
        """The operations that apply. A clip that already has the requested frame rate is not interpolated."""
        return {name: one for name, one in self._requested.items() if name != "interpolate" or self._interpolation}

    def metadata(self) -> PostProcessingMetadata:
        """Return the measurements of the pass. The caller reads all frames of `drawn` first."""
        measured: PostProcessingMetadata = {"operations": [str(operation) for operation in self.done.values()]}
        measured |= self._counted
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
        """Move frames onto the smoothed path, and scale them in the same step."""
        if self._steadying is None:
            return frames
        steadying, (width, height) = self._steadying, self._size
        return (steadying.apply(planes, index, width, height) for index, planes in enumerate(frames))

    def _enlarged(self, planes: Planes) -> Planes:
        for _ in range(self._doublings):
            if self._enlarge:
                planes = from_rgb(self._enlarge(to_rgb(planes)))
        return planes

    def _chosen(self, seed: int, cues: list[Cue]) -> list[Treatment]:
        requested, film = self._requested, self.film
        width, height = film.width, film.height
        chosen: list[Treatment] = [Sharpen(0.5, height)] if "upscale" in requested and not self._doublings else []
        chosen += [treatment(one, width, height, seed) for one in requested.values() if one.name in BY_PIXEL]
        side, foot = bars(float(requested["letterbox"].choice), width, height) if "letterbox" in requested else (0, 0)
        if "fade" in requested:
            self._over.append(Fade(requested["fade"].choice, _up_to(film, _FADE_SECONDS), film.frames))
        if side or foot:
            left, top, right, bottom = self._subject_place or (0.5, 0.5, 0.5, 0.5)
            moved = shift(side, width, left, right), shift(foot, height, top, bottom)
            self._on_stills.append(Letterbox(side, foot, *moved))
            self._over.append(self._on_stills[-1])
        if cues:
            captioned = _Captioned(cues, film, (side, foot))
            self._counted = {"captions": captioned.shown, "captionsAfterEnd": len(cues) - captioned.shown}
            self._over.append(captioned)
        if "watermark" in requested:
            self._on_stills.append(overlays.watermark(requested["watermark"].choice, width, height, (side, foot)))
            self._over.append(self._on_stills[-1])
        return chosen


def _treated(planes: Planes, treatments: list[Treatment]) -> Planes:
    for treat in treatments:
        planes = treat(planes)
    return planes


class _Captioned:
    """A treatment that draws the current captions over each frame. Captions with a common time are drawn together."""

    def __init__(self, cues: list[Cue], film: FilmFormat, bars: tuple[int, int]) -> None:
        """Lay out all captions. Raise Unreadable `captions_too_crowded` if letters do not fit."""
        letters = Lettering("\n".join(cue.text for cue in cues))
        times = [_frames(cue, film) for cue in cues]
        self.shown = sum(first < film.frames for first, _ in times)
        changes = sorted({min(frame, film.frames) for both in times for frame in both})
        self._pages: list[tuple[int, CaptionPage | None]] = []  # each from a frame on
        for first, end in pairwise(changes):
            text = "\n".join(cue.text for cue, (start, stop) in zip(cues, times, strict=True) if start <= first < stop)
            most = max(1, int((end - first) / film.fps / _PAGE_SECONDS))
            size = film.width, film.height
            pages = overlays.caption(text, letters, size, bars, most_pages=most) if text else [None]
            self._pages += [(first + (end - first) * n // len(pages), page) for n, page in enumerate(pages)]
        self._pages.append((changes[-1], None))
        self._seen = 0
        self._overlay: Overlay | None = None

    def __call__(self, planes: Planes) -> Planes:
        while self._pages and self._pages[0][0] <= self._seen:
            page = self._pages.pop(0)[1]
            self._overlay = page.drawn() if page else None
        self._seen += 1
        return self._overlay(planes) if self._overlay else planes


def _frames(cue: Cue, film: FilmFormat) -> tuple[int, int]:
    """Return the caption's first frame and the frame after its last. A short caption is visible in one frame."""
    first, end = (ceil(seconds * film.fps - Fraction(1, 1000)) for seconds in (cue.start, cue.end))
    return first, max(first + 1, end)


def _up_to(film: FilmFormat, seconds: float) -> int:
    """Return `seconds` in frames, at most a quarter of the film."""
    return max(1, min(round(seconds * film.fps), film.frames // 4))
