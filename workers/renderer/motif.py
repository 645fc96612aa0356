"""The motif of a film: its picture, how near each part of it is, its parts, and the point that zooms lead to."""

from pathlib import Path
from typing import NamedTuple

from shared.observability import logger
from shared.stages.failures import StageFailure
from workers.media import pictures
from workers.media.depth import read_depth
from workers.media.planes import Bytes, Floats
from workers.media.saliency import salient_point
from workers.media.scenery import Scenery
from workers.renderer.depth_model import DepthModelUnavailable, nearness
from workers.renderer.shoot import Point
from workers.renderer.window import Window


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

    One that is much longer than the frame is cut to the part around its focal point. Raises StageFailure.
    """
    picture = pictures.read(path)
    near = nearness_of(picture, depth)
    parts = scenery_of(picture, scenery)
    focal_point = focal_point or salient_point(picture, near)
    window = Window(picture.shape[1], picture.shape[0], frame, focal_point)
    if window.whole or parts:  # in parts are painted pictures, which have the frame's shape
        return Motif(picture, near, focal_point, parts)
    picture = window.of(picture)
    near = window.of_map(near) if depth else nearness_of(picture, None)
    return Motif(picture, near, window.focal_point, None)


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
