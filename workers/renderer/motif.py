"""The motif of a film: its picture, the picture's disparity and scenery, and the focal point of zooms."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from shared.observability import logger
from shared.stages.failures import StageFailure
from workers.media import cut_layers, pictures
from workers.media.depth import read_depth
from workers.media.planes import Bytes, Floats
from workers.media.saliency import salient_point
from workers.media.scenery import Scenery
from workers.media.subject import PictureSubject
from workers.renderer import depth_model
from workers.renderer.depth_model import DepthModelUnavailable, nearness
from workers.renderer.shoot import Point
from workers.renderer.window import Window


class Motif(NamedTuple):
    """A picture with its depth and scenery, or a photograph whose depth is estimated.

    `subject` is None if the depth is given. `guessed` is True if the depth is not a depth model's either.
    """

    picture: Bytes
    nearness: Floats
    focal_point: Point
    scenery: Scenery | None
    subject: PictureSubject | None = None
    guessed: bool = False


def motif_of(
    path: Path,
    frame: tuple[int, int],
    *,
    depth: Path | None,
    scenery: Path | None,
    focal_point: Point | None,
    layers: Sequence[Path] = (),
) -> Motif:
    """Read the picture for a frame of that width and height in pixels; estimate the inputs that are not given.

    `layers` are PNGs of the picture's objects, from the nearest one to the background; they replace the scenery. A
    picture that is much longer than the frame is cropped around its focal point, unless it has scenery. Raise
    StageFailure if the picture, the depth, the scenery, a layer or the depth model cannot be used.
    """
    picture = pictures.read(path)
    near = nearness_of(picture, depth)
    if layers:
        parts: Scenery | None = cut_layers.scenery_of(
            picture, near, layers, measured=depth is not None or depth_model.configured()
        )
        near = cut_layers.whole_nearness(parts) if parts else near
    else:
        parts = scenery_of(picture, scenery)
    subject = None if depth or parts else PictureSubject.of(picture, near)
    at = focal_point or (subject.focal_point if subject else salient_point(picture, near))
    window = Window(picture.shape[1], picture.shape[0], frame, at)
    if not window.whole and not parts:  # pictures with scenery come from the painter and have the frame's shape
        picture, at = window.of(picture), window.focal_point
        near = window.of_map(near) if depth else nearness_of(picture, None)
        subject = PictureSubject.of(picture, near) if subject else None
    if subject:
        subject = subject._replace(focal_point=at)
    return Motif(picture, near, at, parts, subject, subject is not None and not depth_model.configured())


def nearness_of(picture: Bytes, depth: Path | None) -> Floats:
    """Read the disparity (0 far, 1 near) from a depth map, or estimate it from the picture.

    Raise StageFailure if the depth map or the depth model cannot be used.
    """
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
    """Read the scenery, if any. Raise StageFailure if it cannot be read or has another size than the picture."""
    if parts is None:
        return None
    try:
        scenery = Scenery.load(parts)
    except ValueError as unreadable:
        raise StageFailure("scenery_unreadable", "The picture's parts could not be read.") from unreadable
    if scenery.backdrop.shape != picture.shape:
        raise StageFailure("scenery_unreadable", "The picture's parts have another size than the picture.")
    return scenery
