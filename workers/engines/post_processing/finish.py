"""Finishes a film in one pass: steadied, retimed, scaled, graded, lettered; then cut into MP4, HLS and stills."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from functools import partial
from itertools import count
from pathlib import Path

from shared.stages import operations
from shared.stages.failures import StageFailure
from shared.stages.metadata import PostProcessingMetadata
from shared.stages.requests import Ingredient, PostProcessingJob
from shared.stages.stages import Role
from workers.engines.contract import Output, StageResult, Workspace
from workers.finishing import soundtrack
from workers.finishing.edit import Asked, Edit, EvenClip, drawable_captions, steadied
from workers.finishing.soundtrack import Soundtrack
from workers.finishing.stills import Poster, Preview, Sprites
from workers.media import hls
from workers.media.codecs import FINISHED, FINISHED_AV1, ClipWriter, remux
from workers.media.previews import small_jpeg
from workers.media.probe import probe
from workers.provenance import signer
from workers.provenance.signer import Signer

_LOOK_SHARE = 0.25  # of the progress, for the pass that only measures the camera
_LOWEST_FPS, _HIGHEST_FPS = Fraction(5), Fraction(60)
_LONGEST_SECONDS = 120.0  # times in a clip are anyone's guess: no film takes hours because one of them is wrong
_SILENCE = -70.0  # LUFS


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
        """Make the film, its stream and its stills; raises StageFailure for an operation or a file that is invalid."""
        asked = operations.parse(request.operations)
        size = operations.final_size(request.width, request.height, asked)
        source = workspace.fetch(request.video_url)
        began = time.perf_counter()
        facts, folder = probe(source), workspace.folder
        if facts.duration_seconds > _LONGEST_SECONDS:
            raise StageFailure("clip_too_long", f"A film lasts at most {_LONGEST_SECONDS:.0f} seconds.")
        fps = max(_LOWEST_FPS, min(_HIGHEST_FPS, facts.fps.limit_denominator(1001)))
        clip = EvenClip(source, facts.width / facts.height, facts.duration_seconds, fps)
        cues = drawable_captions(workspace.fetch(request.captions_url)) if request.captions_url else []
        steadying, share = None, 0.0
        if "stabilise" in asked:
            share = _LOOK_SHARE
            measured = _by_frame(workspace.progress, 0.0, share, clip.length)
            steadying = steadied(clip, asked["stabilise"].amount, measured)
        edit = Edit(clip, asked, size, seed=request.seed, steadying=steadying, cues=cues, asked_move=request.asked_move)
        film = edit.film

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
            for planes in edit.drawn(_by_frame(workspace.progress, share, 1.0, clip.length)):
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


def _loudness(track: Soundtrack | None) -> PostProcessingMetadata:
    """Return the loudness of the soundtrack; silence, -inf LUFS, is given as -70, because JSON has no infinity."""
    if track is None:
        return {}
    return {
        "lufsBefore": round(max(track.lufs_before, _SILENCE), 2),
        "lufs": round(max(track.lufs_after, _SILENCE), 2),
        "gainDb": round(max(track.gain_db, _SILENCE), 2),
    }


def _by_frame(progress: Callable[[float], None], begin: float, end: float, frames: int) -> Callable[[], None]:
    """Return a callback that reports one more of `frames`; all of them take progress from `begin` to `end`."""
    done = count(1)
    return lambda: progress(begin + (end - begin) * min(1.0, next(done) / max(1, frames)))
