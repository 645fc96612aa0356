"""Shoots the picture again along the camera path of a driving clip."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from shared.stages.failures import StageFailure
from shared.stages.requests import MotionTransferJob
from shared.stages.stages import Role
from workers.engines.contract import Metric, Output, StageResult, Workspace
from workers.engines.motion_transfer.driving import drive, excursion, rhythm, stacked
from workers.engines.video_synthesis.parallax import nearness_of, read_picture, scenery_of
from workers.media import camera_path
from workers.media.camera_path import CameraPath
from workers.media.codecs import ClipWriter, read_planes
from workers.media.planes import Planes
from workers.media.previews import small_jpeg
from workers.media.probe import ClipFacts, ClipUnreadable, probe
from workers.media.saliency import salient_point
from workers.media.shoot import Shot

_SHORTEST_SECONDS = 0.5
_STILLEST = 0.01  # of the frame's width: less travel than this is no move
_MEASURING = 0.25  # of the progress, for following the driving clip


class Transfer:
    """The engine of MOTION_TRANSFER that runs everywhere."""

    def load(self) -> None:
        """Nothing to prepare."""

    def run(self, request: MotionTransferJob, workspace: Workspace) -> StageResult:
        """Make the clip; StageFailure `driving_clip_...` says what is wrong with the clip to be followed."""
        facts, path, inliers = _measured(workspace.fetch(request.driving_url), workspace)
        frames = round(request.duration * request.fps)
        fps = float(facts.fps)
        driven = drive(path, facts.width / facts.height, fps, frames, request.mode, request.fps)
        poses = stacked(driven, request.move, rhythm(path, fps, frames))
        picture = read_picture(workspace.fetch(request.image_url))
        nearness = nearness_of(picture, workspace.fetch(request.depth_url) if request.depth_url else None)
        width, height = request.width & ~1, request.height & ~1
        focal_point = request.focal_point or salient_point(picture, nearness)
        clip = workspace.folder / "clip.mp4"
        scenery = scenery_of(picture, workspace.fetch(request.scenery_url) if request.scenery_url else None)
        shot = Shot(picture, nearness, width, height, request.fps, focal_point, request.move.shutter, scenery)
        shot.prepare(poses)
        check = shot.check(poses)
        with ClipWriter(clip, width, height, request.fps) as writer:
            for planes in shot.film(poses):
                writer.write(planes)
                check.see(planes)
                workspace.progress(_MEASURING + (1 - _MEASURING) * writer.frames / frames)
                workspace.preview(partial(small_jpeg, planes))
        metrics: dict[str, Metric] = {
            "frames": writer.frames,
            "fps": request.fps,
            "path_length": round(path.length(), 4),
            "inlier_ratio": round(inliers, 4),
        }
        if (score := check.score()) is not None:
            metrics["motionScore"] = round(score, 3)
        return StageResult((Output(Role.CLIP, clip, "video/mp4"),), metrics)


def _measured(driving: Path, workspace: Workspace) -> tuple[ClipFacts, CameraPath, float]:
    """Facts, camera path and inlier ratio of a driving clip that can be followed."""
    try:
        facts = probe(driving)
        if facts.duration_seconds < _SHORTEST_SECONDS or facts.frames < 3:
            raise StageFailure("driving_clip_too_short", "The driving clip is too short to show a camera move.")
        motions = camera_path.estimate(camera_path.tracked(_followed(driving, facts, workspace)))
    except ClipUnreadable as unreadable:
        raise StageFailure("driving_clip_unreadable", "The driving clip cannot be read.") from unreadable
    inliers = camera_path.inlier_ratio(motions)
    if not camera_path.usable(motions):
        raise StageFailure(
            "driving_clip_unusable",
            "The camera of the driving clip cannot be followed: its picture shows too little that stays in place.",
        )
    path = camera_path.accumulate(motions)
    if excursion(path) < _STILLEST:
        raise StageFailure("driving_clip_still", "The camera of the driving clip stands still.")
    return facts, path, inliers


def _followed(driving: Path, facts: ClipFacts, workspace: Workspace) -> Iterator[Planes]:
    for index, planes in enumerate(read_planes(driving), start=1):
        yield planes
        workspace.progress(_MEASURING * min(1.0, index / max(1, facts.frames)))
