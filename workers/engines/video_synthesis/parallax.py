"""Moves a real camera path over pictures and their depth, and keeps the clip nearly lossless for the stages after."""

from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from shared.camera.lowerings import dropped_axes
from shared.observability import logger
from shared.stages.engines import engine
from shared.stages.failures import StageFailure
from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role, Stage
from workers.engines.contract import Metric, Output, StageResult, Workspace
from workers.media import pictures
from workers.media.codecs import ClipWriter
from workers.media.depth import read_depth
from workers.media.pictures import PictureUnreadable
from workers.media.planes import Bytes, Floats
from workers.media.previews import small_jpeg
from workers.media.saliency import salient_point
from workers.media.scenery import Scenery
from workers.renderer.depth_model import DepthModelUnavailable, nearness
from workers.renderer.path import camera_path
from workers.renderer.reel import Reel
from workers.renderer.shoot import Point, Shot
from workers.renderer.window import Window


class Parallax:
    """The 2.5D camera as an engine; it holds nothing between runs."""

    def load(self) -> None:
        """Nothing to prepare."""

    def run(self, request: VideoSynthesisJob, workspace: Workspace) -> StageResult:
        """Shoot `request.move` over the whole duration; StageFailure if a picture or its depth cannot be read."""
        size = request.width, request.height
        shots = []
        for index, url in enumerate((request.image_url, *request.more_image_urls)):
            own = request if index == 0 else None
            motif = motif_of(
                workspace.fetch(url),
                size,
                depth=workspace.fetch(own.depth_url) if own and own.depth_url else None,
                scenery=workspace.fetch(own.scenery_url) if own and own.scenery_url else None,
                focal_point=own.focal_point if own else None,
            )
            picture, near, focal_point, scenery = motif
            shots.append(Shot(picture, near, *size, request.fps, focal_point, request.move.shutter, scenery))
        frames = max(round(request.duration * request.fps), 1)
        poses = camera_path(request.move, frames, request.fps, request.loop)
        path = workspace.folder / "clip.mp4"
        started = perf_counter()
        reel = Reel(shots, poses, request.fps, request.loop)
        with ClipWriter(path, *size, request.fps) as writer:
            for i, planes in enumerate(reel.film()):
                writer.write(planes)
                workspace.progress((i + 1) / frames)
                workspace.preview(partial(small_jpeg, planes))
        metrics: dict[str, Metric] = {
            "frames": frames,
            "frames_per_second": round(frames / (perf_counter() - started), 1),
            "depth": "given" if request.depth_url else "estimated",
        }
        if (score := reel.score()) is not None:
            metrics["motionScore"] = round(score, 3)
        if dropped := dropped_axes(request.move, engine(Stage.VIDEO_SYNTHESIS, "parallax").axes):
            metrics["dropped_axes"] = sorted(dropped)
        return StageResult((Output(Role.CLIP, path, "video/mp4"),), metrics)


class Motif(NamedTuple):
    """What stands before the camera, as `Shot` takes it."""

    picture: Bytes
    nearness: Floats
    focal_point: Point
    scenery: Scenery | None


def motif_of(
    path: Path, frame: tuple[int, int], *, depth: Path | None, scenery: Path | None, focal_point: Point | None
) -> Motif:
    """The picture for a frame of that size in pixels; what is not given is estimated.

    One that is much longer than the frame is cut to the part around its focal point. StageFailure as the functions
    below raise it.
    """
    picture = read_picture(path)
    near = nearness_of(picture, depth)
    parts = scenery_of(picture, scenery)
    focal_point = focal_point or salient_point(picture, near)
    window = Window(picture.shape[1], picture.shape[0], frame, focal_point)
    if window.whole or parts:  # in parts are painted pictures, which have the frame's shape
        return Motif(picture, near, focal_point, parts)
    picture = window.of(picture)
    near = window.of_map(near) if depth else nearness_of(picture, None)
    return Motif(picture, near, window.focal_point, None)


def read_picture(path: Path) -> Bytes:
    """RGB, height x width x 3, upright, in sRGB; StageFailure `picture_...` says what is wrong with the file."""
    try:
        return pictures.read(path)
    except PictureUnreadable as error:
        raise StageFailure(f"picture_{error.code}", error.public_message) from error


def nearness_of(picture: Bytes, depth: Path | None) -> Floats:
    """Nearness 0..1 from a depth picture, or estimated; StageFailure if the picture or the model cannot be used."""
    if depth is None:
        try:
            return nearness(picture)
        except DepthModelUnavailable as unavailable:
            logger.error("depth model unavailable", error=str(unavailable))
            raise StageFailure(
                "depth_model_unavailable", "The depth of the picture cannot be estimated."
            ) from unavailable
    try:
        return read_depth(depth)
    except ValueError as unreadable:
        raise StageFailure("depth_unreadable", "The picture's depth could not be read.") from unreadable


def scenery_of(picture: Bytes, parts: Path | None) -> Scenery | None:
    """The picture in parts, if there are any; StageFailure if they cannot be read or are another picture's."""
    if parts is None:
        return None
    try:
        scenery = Scenery.load(parts)
    except ValueError as unreadable:
        raise StageFailure("scenery_unreadable", "The picture's parts could not be read.") from unreadable
    if scenery.backdrop.shape != picture.shape:
        raise StageFailure("scenery_unreadable", "The picture's parts are not of its size.")
    return scenery
