"""The engine of post-processing. It applies all operations in one pass, and writes MP4, HLS and stills."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path

from shared.observability import logger
from shared.stages import operations
from shared.stages.metadata import PostProcessingMetadata
from shared.stages.requests import Ingredient, PostProcessingJob
from shared.stages.stages import Role
from workers.diffusion.loading import load_enlarger
from workers.engines.contract import Output, StageResult, Workspace
from workers.finishing import soundtrack
from workers.finishing.edit import Edit, Enlarge, EvenClip, OperationsByName, drawable_captions, steadied
from workers.finishing.soundtrack import Soundtrack
from workers.finishing.stills import LastFrame, Poster, Preview, Sprites
from workers.media import hls
from workers.media.codecs import FINISHED, FINISHED_AV1, ClipWriter, remux
from workers.media.previews import small_jpeg
from workers.provenance import signer
from workers.provenance.signer import CannotSign, Signer

_MEASURING_SHARE = 0.25  # share of the progress for the pass that only measures the camera path
_BY_MODEL = frozenset({"upscale"})  # operations that a trained model does on a GPU
_SILENCE = -70.0  # LUFS that are reported for silence


class Finish:
    """The engine of POST_PROCESSING. It needs no GPU and no model."""

    def __init__(self) -> None:
        self._signer: Signer | None = None
        self._enlarge: Enlarge | None = None

    def load(self) -> None:
        """Load the certificate that signs films, if the deployment has one."""
        self.sign_with(signer.from_secrets())

    def sign_with(self, signer: Signer | None) -> None:
        """Set the signer of all later films. With None, films are not signed."""
        self._signer = signer

    def run(self, request: PostProcessingJob, workspace: Workspace) -> StageResult:
        """Make the film, its stream and its stills. Raise StageFailure for an invalid operation or input file."""
        requested = operations.parse(request.operations)
        size = operations.final_size(request.width, request.height, requested)
        source, folder = workspace.fetch(request.video_url), workspace.folder
        began = time.perf_counter()
        clip = EvenClip.of(source)
        cues = drawable_captions(workspace.fetch(request.captions_url)) if request.captions_url else []
        steadying, share = None, 0.0
        if "stabilise" in requested:
            share = _MEASURING_SHARE
            measured = _by_frame(workspace.progress, 0.0, share, clip.length)
            steadying = steadied(clip, requested["stabilise"].amount, measured)
        edit = Edit(
            clip,
            requested,
            size,
            seed=request.seed,
            steadying=steadying,
            cues=cues,
            subject_place=request.subject_place,
            asked_move=request.asked_move,
            enlarge=self._enlarge,
        )
        film = edit.film

        video, av1 = folder / "video.mp4", folder / "video.av1.mp4"
        poster, preview, sprites = (
            Poster(film.frames, float(film.fps)), Preview(float(film.fps)), Sprites(film.frames, float(film.fps))
        )  # fmt: skip
        encodings = {video: FINISHED} | ({av1: FINISHED_AV1} if "av1" in requested else {})
        with ExitStack() as stack:
            writers = [
                stack.enter_context(ClipWriter(path, film.width, film.height, film.fps, encoding))
                for path, encoding in encodings.items()
            ]
            last = LastFrame()
            for planes, bare, plain in edit.drawn(_by_frame(workspace.progress, share, 1.0, clip.length)):
                for writer in writers:
                    writer.write(planes)
                poster.consider(bare)
                last.consider(plain)
                for still in (preview, sprites):
                    still.consider(planes)
                workspace.preview(partial(small_jpeg, planes))
        frames = writers[0].frames

        track = None
        if request.audio_url:
            track = soundtrack.make(workspace.fetch(request.audio_url), folder / "sound.m4a", float(frames / film.fps))
            for path in encodings:
                remux(path, path.with_suffix(".heard.mp4"), "+faststart", track.path).replace(path)
        outputs = _outputs(video, track, poster.save(folder, edit.still), preview, sprites)
        outputs.append(Output(Role.PICTURE, last.save(folder), "image/png"))
        if "av1" in requested:
            outputs.append(Output(Role.AV1, av1, "video/mp4"))
        if "gif" in requested:
            outputs.append(Output(Role.GIF, preview.save_gif(folder), "image/gif"))
        metadata: PostProcessingMetadata = {
            "frames": frames,
            "fps": float(film.fps),
            "signed": self._sign(request, edit.done, outputs, workspace),
            **edit.metadata(),
            **_loudness(track),
        }
        metadata["bytes"] = video.stat().st_size
        metadata["framesPerSecond"] = round(frames / (time.perf_counter() - began), 1)
        return StageResult(tuple(outputs), metadata)

    def _sign(
        self, request: PostProcessingJob, done: OperationsByName, outputs: list[Output], workspace: Workspace
    ) -> bool:
        """Sign the film's files. Return False if one of them has no signature: a bad certificate stops no film."""
        if self._signer is None:
            return False
        ingredients: list[tuple[Ingredient, Path]] = [
            (ingredient, workspace.fetch(ingredient.url)) for ingredient in request.ingredients
        ]
        captions = bool(request.captions_url)
        try:
            for output in outputs:
                if output.role in {Role.VIDEO, Role.AV1, Role.POSTER}:
                    self._signer.sign(
                        output.path,
                        output.media_type,
                        ingredients,
                        done.values(),
                        captions=captions,
                        by_model=_BY_MODEL if self._enlarge else frozenset(),
                    )
        except CannotSign:
            logger.exception("film not signed")
            return False
        return True


class FinishOnGpu(Finish):
    """The engine of POST_PROCESSING with Swin2SR, a trained model that does `upscale`."""

    def load(self) -> None:
        """Load the certificate, and the weights."""
        super().load()
        self._enlarge = load_enlarger("swin2sr-x2")


def _outputs(
    video: Path, track: Soundtrack | None, posters: tuple[Path, Path], preview: Preview, sprites: Sprites
) -> list[Output]:
    """Write the stream and the stills into the film's folder, and return the outputs that every film has."""
    folder = video.parent
    stream = remux(video, folder / "stream.mp4", hls.FRAGMENTED, track.path if track else None)
    playlist = folder / "playlist.m3u8"
    playlist.write_text(hls.playlist(stream))
    poster, thumbnail = posters
    sheet, scrubbing = sprites.save(folder)
    return [
        Output(Role.VIDEO, video, "video/mp4"),
        Output(Role.STREAM, stream, "video/mp4"),
        Output(Role.PLAYLIST, playlist, "application/vnd.apple.mpegurl"),
        Output(Role.POSTER, poster, "image/jpeg"),
        Output(Role.THUMBNAIL, thumbnail, "image/jpeg"),
        Output(Role.PREVIEW, preview.save_webp(folder), "image/webp"),
        Output(Role.SPRITES, sheet, "image/jpeg"),
        Output(Role.SCRUBBING, scrubbing, "text/vtt"),
    ]


def _loudness(track: Soundtrack | None) -> PostProcessingMetadata:
    """Return the loudness of the soundtrack. Silence, -inf LUFS, is reported as -70, because JSON has no infinity."""
    if track is None:
        return {}
    return {
        "lufsBefore": round(max(track.lufs_before, _SILENCE), 2),
        "lufs": round(max(track.lufs_after, _SILENCE), 2),
        "gainDb": round(max(track.gain_db, _SILENCE), 2),
    }


def _by_frame(progress: Callable[[float], None], begin: float, end: float, frames: int) -> Callable[[], None]:
    """Return a callback that reports one more frame. After `frames` calls progress has moved from `begin` to `end`."""
    done = count(1)
    return lambda: progress(begin + (end - begin) * min(1.0, next(done) / max(1, frames)))
