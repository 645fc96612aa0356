"""Finishes a film in one pass: steadied, retimed, scaled, graded, lettered; then cut into MP4, HLS and stills."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from itertools import count
from pathlib import Path

from shared.stages import operations
from shared.stages.failures import StageFailure
from shared.stages.operations import Operation
from shared.stages.requests import Ingredient, PostProcessingJob
from shared.stages.stages import Role
from workers.engines.contract import Metric, Output, StageResult, Workspace
from workers.finishing import rhythm, soundtrack
from workers.finishing.rhythm import Interpolation
from workers.finishing.soundtrack import Soundtrack
from workers.finishing.steadying import Steadying
from workers.finishing.stills import Poster, Preview, Sprites
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
from workers.media import captions, hls, overlays
from workers.media.captions import CaptionsUnreadable, Cue
from workers.media.codecs import FINISHED, FINISHED_AV1, ClipWriter, evenly, read_timed, remux
from workers.media.lettering import Lettering
from workers.media.planes import Planes
from workers.media.previews import small_jpeg
from workers.media.probe import ClipFacts, ClipUnreadable, probe
from workers.media.scaling import Scale
from workers.media.sound import SoundUnreadable
from workers.motion import camera_path
from workers.motion.motion_course import CourseCheck
from workers.provenance import signer
from workers.provenance.signer import Signer

_LOOK_SHARE = 0.25  # of the progress, for the pass that only measures the camera
_FADE_SECONDS = 0.5
_LONGEST_LOOP = 1 / 3  # of the film
_LOWEST_FPS, _HIGHEST_FPS = Fraction(5), Fraction(60)
_LONGEST_SECONDS = 120.0  # times in a clip are anyone's guess: no film takes hours because one of them is wrong

Asked = dict[str, Operation]


@dataclass(frozen=True, slots=True)
class Film:
    """What the film will be: size in pixels, frames a second, how many frames if the clip keeps its promise."""

    width: int
    height: int
    fps: Fraction
    frames: int

    @property
    def seconds(self) -> float:
        return float(self.frames / self.fps)


class Finish:
    """The engine of POST_PROCESSING that runs everywhere."""

    def __init__(self) -> None:
        self._signer: Signer | None = None

    def load(self) -> None:
        """Take up the certificate that films are signed with, where the deployment has one."""
        self.sign_with(signer.from_secrets())

    def sign_with(self, signer: Signer | None) -> None:
        """From now on films are signed by this one, or by none."""
        self._signer = signer

    def run(self, request: PostProcessingJob, workspace: Workspace) -> StageResult:
        """Make the film, its stream and its stills; StageFailure for an operation or a file that is none."""
        asked = operations.parse(request.operations)
        size = operations.final_size(request.width, request.height, asked)
        source = workspace.fetch(request.video_url)
        try:
            return self._finish(request, asked, size, source, workspace)
        except ClipUnreadable as unreadable:
            raise StageFailure(unreadable.code, unreadable.public_message) from unreadable
        except SoundUnreadable as unreadable:
            raise StageFailure(f"audio_{unreadable.code}", unreadable.public_message) from unreadable
        except CaptionsUnreadable as unreadable:
            raise StageFailure(f"captions_{unreadable.code}", unreadable.public_message) from unreadable

    def _finish(
        self, request: PostProcessingJob, asked: Asked, size: tuple[int, int], source: Path, workspace: Workspace
    ) -> StageResult:
        began = time.perf_counter()
        facts, folder = probe(source), workspace.folder
        if facts.duration_seconds > _LONGEST_SECONDS:
            raise StageFailure("clip_too_long", f"A film lasts at most {_LONGEST_SECONDS:.0f} seconds.")
        fps = max(_LOWEST_FPS, min(_HIGHEST_FPS, facts.fps.limit_denominator(1001)))
        cues = _captions(workspace.fetch(request.captions_url)) if request.captions_url else []
        share = _LOOK_SHARE if "stabilise" in asked else 0.0
        steadying = _measure(source, facts, fps, asked, partial(_scaled, workspace.progress, 0.0, share))
        told = _by_frame(partial(_scaled, workspace.progress, share, 1.0), round(facts.duration_seconds * fps))
        pictures = _Pictures(request, asked, facts, fps, size, steadying, cues)
        film = pictures.film

        video, av1 = folder / "video.mp4", folder / "video.av1.mp4"
        poster, preview, sprites = (
            Poster(film.frames, float(film.fps)), Preview(float(film.fps)), Sprites(film.frames, float(film.fps))
        )  # fmt: skip
        encodings = {video: FINISHED} | ({av1: FINISHED_AV1} if "av1" in asked else {})
        with ExitStack() as stack:
            writers = [
                stack.enter_context(ClipWriter(path, film.width, film.height, film.fps, encoding))
                for path, encoding in encodings.items()
            ]
            for planes in pictures.drawn(source, told):
                for writer in writers:
                    writer.write(planes)
                for still in (poster, preview, sprites):
                    still.consider(planes)
                workspace.preview(partial(small_jpeg, planes))
        frames = writers[0].frames

        track = None
        if request.audio_url:
            track = soundtrack.make(workspace.fetch(request.audio_url), folder / "sound.m4a", float(frames / film.fps))
            for path in encodings:
                remux(path, path.with_suffix(".heard.mp4"), "+faststart", track.path).replace(path)
        stream = remux(video, folder / "stream.mp4", hls.FRAGMENTED, track.path if track else None)
        playlist = folder / "playlist.m3u8"
        playlist.write_text(hls.playlist(stream))
        poster_path, thumbnail = poster.save(folder)
        sheet, scrubbing = sprites.save(folder)
        outputs = [
            Output(Role.VIDEO, video, "video/mp4"),
            Output(Role.STREAM, stream, "video/mp4"),
            Output(Role.PLAYLIST, playlist, "application/vnd.apple.mpegurl"),
            Output(Role.POSTER, poster_path, "image/jpeg"),
            Output(Role.THUMBNAIL, thumbnail, "image/jpeg"),
            Output(Role.PREVIEW, preview.save_webp(folder), "image/webp"),
            Output(Role.SPRITES, sheet, "image/jpeg"),
            Output(Role.SCRUBBING, scrubbing, "text/vtt"),
        ]
        if "av1" in asked:
            outputs.append(Output(Role.AV1, av1, "video/mp4"))
        if "gif" in asked:
            outputs.append(Output(Role.GIF, preview.save_gif(folder), "image/gif"))
        signed = self._sign(request, pictures.done, outputs, workspace)
        metrics: dict[str, Metric] = {
            "frames": frames,
            "fps": float(film.fps),
            "frames_per_second": round(frames / (time.perf_counter() - began), 1),
            "bytes": video.stat().st_size,
            "operations": [str(operation) for operation in pictures.done.values()],
            "signed": signed,
        }
        return StageResult(outputs=tuple(outputs), metrics=metrics | pictures.metrics() | _heard(track))

    def _sign(self, request: PostProcessingJob, done: Asked, outputs: list[Output], workspace: Workspace) -> bool:
        if self._signer is None:
            return False
        ingredients: list[tuple[Ingredient, Path]] = [
            (ingredient, workspace.fetch(ingredient.url)) for ingredient in request.ingredients
        ]
        for output in outputs:
            if output.role in {Role.VIDEO, Role.AV1, Role.POSTER}:
                self._signer.sign(
                    output.path, output.media_type, ingredients, done.values(), captions=bool(request.captions_url)
                )
        return True


class _Pictures:
    """The film's frames, drawn one after another: the only order in which what is asked for makes sense.

    Steadied or not, denoised, looped, retimed, scaled; then the treatments in the order they were asked for; then what
    lies over the picture.
    """

    def __init__(
        self,
        request: PostProcessingJob,
        asked: Asked,
        facts: ClipFacts,
        fps: Fraction,
        size: tuple[int, int],
        steadying: Steadying | None,
        cues: list[Cue],
    ) -> None:
        self._asked, self._facts, self._fps, self._steadying = asked, facts, fps, steadying
        self._watch = Watch(CourseCheck(request.asked_move, float(fps))) if request.asked_move else None
        frames = round(facts.duration_seconds * fps)
        self._window = 0
        if "loop" in asked:
            self._window = min(round(float(asked["loop"].choice) * fps), int(frames * _LONGEST_LOOP))
            if not self._window:
                raise StageFailure("clip_too_short", "The clip has too few pictures to end as it begins.")
        target = int(asked["interpolate"].choice) if "interpolate" in asked else 0
        self._interpolation = Interpolation(fps, target, closed="loop" in asked) if target > fps else None
        final_fps = Fraction(target) if self._interpolation else fps
        self.film = Film(*size, final_fps, max(1, round((frames - self._window) / fps * final_fps)))
        self._treatments = self._chosen(request.seed, cues)

    def drawn(self, source: Path, told: Callable[[], None]) -> Iterator[Planes]:
        """Every frame; raises ClipUnreadable."""
        frames = self._placed(self._read(source, told))
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
        """What was asked for and is done: a film that has the frames already has none drawn between them."""
        return {name: one for name, one in self._asked.items() if name != "interpolate" or self._interpolation}

    def metrics(self) -> dict[str, Metric]:
        said: dict[str, Metric] = {}
        if self._steadying:
            said |= {
                "jitter_before": self._steadying.jitter_before,
                "jitter_after": self._steadying.jitter_after,
                "crop": round(self._steadying.crop, 4),
            }
        if self._interpolation:
            said["cuts"] = self._interpolation.cuts
        if self._watch and (score := self._watch.score()) is not None:
            said["motionScore"] = round(score, 3)
        return said

    def _read(self, source: Path, told: Callable[[], None]) -> Iterator[Planes]:
        for planes in evenly(read_timed(source), self._fps, self._facts.duration_seconds):
            if self._watch:
                self._watch.see(planes)
            yield planes
            told()

    def _placed(self, frames: Iterator[Planes]) -> Iterator[Planes]:
        """Moved onto the steady path, and to the final size in the same step; or as they are."""
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
    """Lays the caption over each frame that is on at its time."""

    def __init__(self, cues: list[Cue], film: Film, bars: tuple[int, int]) -> None:
        self._cues, self._fps, self._seen = cues, float(film.fps), 0
        letters = Lettering("\n".join(cue.text for cue in cues))
        self._drawn = lru_cache(maxsize=4)(lambda text: overlays.caption(text, letters, film.width, film.height, bars))

    def __call__(self, planes: Planes) -> Planes:
        text = captions.shown_at(self._cues, self._seen / self._fps)
        self._seen += 1
        return self._drawn(text)(planes) if text else planes


def _measure(
    source: Path, facts: ClipFacts, fps: Fraction, asked: Asked, progress: Callable[[float], None]
) -> Steadying | None:
    """The pass that only looks, if the film is to be steadied."""
    if "stabilise" not in asked:
        return None
    told = _by_frame(progress, round(facts.duration_seconds * fps))

    def frames() -> Iterator[Planes]:
        for planes in evenly(read_timed(source), fps, facts.duration_seconds):
            yield planes
            told()

    path = camera_path.accumulate(camera_path.estimate(camera_path.tracked(frames())))
    return Steadying.of(path, float(fps), facts.width / facts.height, asked["stabilise"].amount)


def _captions(path: Path) -> list[Cue]:
    """The captions, all of whose letters can be drawn; raises CaptionsUnreadable."""
    cues = captions.read(path)
    for cue in cues:
        overlays.check_drawable(cue.text)
    return cues


def _heard(track: Soundtrack | None) -> dict[str, Metric]:
    if track is None:
        return {}
    said = {"lufs_before": track.lufs_before, "lufs": track.lufs_after, "gain_db": track.gain_db}
    return {name: round(max(value, -70.0), 2) for name, value in said.items()}  # silence has no number in JSON


def _up_to(film: Film, seconds: float) -> int:
    """So many seconds in frames, but no more than a quarter of the film."""
    return max(1, min(round(seconds * film.fps), film.frames // 4))


def _scaled(progress: Callable[[float], None], begin: float, end: float, done: float) -> None:
    progress(begin + (end - begin) * done)


def _by_frame(progress: Callable[[float], None], frames: int) -> Callable[[], None]:
    """A voice that says, each time it is called, that one more of `frames` is done."""
    done = count(1)
    return lambda: progress(min(1.0, next(done) / max(1, frames)))
