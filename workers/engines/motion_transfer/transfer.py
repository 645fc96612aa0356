"""The in-process engine of motion transfer: it renders the picture along the camera path of a driving clip."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import NamedTuple

from shared.camera.move import Pose
from shared.stages.failures import StageFailure
from shared.stages.metadata import MotionTransferMetadata
from shared.stages.requests import MotionTransferJob, check_driving_seconds
from shared.stages.stages import Role
from workers.engines.contract import Output, StageResult, Workspace
from workers.media.codecs import ClipWriter, evenly, read_timed
from workers.media.planes import Planes
from workers.media.previews import small_jpeg
from workers.media.probe import ClipFacts, probe
from workers.media.unreadable import Unreadable
from workers.motion import camera_path
from workers.motion.camera_path import CameraPath
from workers.motion.driving import drive, excursion, rhythm, stacked
from workers.renderer.motif import motif_of
from workers.renderer.photograph import Filming, contained, filming, photograph_metadata, weaker

_LOWEST_FPS, _HIGHEST_FPS = Fraction(10), Fraction(60)
_LEAST_TRAVEL = 0.01  # minimum travel of a camera that counts as moving, as a fraction of the frame's width
_MEASURING_SHARE = 0.25  # share of the progress for measuring the driving clip


class Transfer:
    """The engine of MOTION_TRANSFER. It needs no GPU and no model."""

    def load(self) -> None:
        """Do nothing, because the engine has no weights."""

    def run(self, request: MotionTransferJob, workspace: Workspace) -> StageResult:
        """Render the clip. Raise StageFailure `driving_clip_...` if the driving clip cannot be used."""
        aspect, fps, path, inliers = _measured(workspace.fetch(request.driving_url), workspace)
        frames = round(request.duration * request.fps)

        def asked(cover: float) -> list[Pose]:
            driven = drive(path, aspect, fps, frames, request.mode, request.fps, cover)
            return stacked(driven, request.move, rhythm(path, fps, frames))

        width, height = request.width & ~1, request.height & ~1
        motif = motif_of(
            workspace.fetch(request.image_url),
            (width, height),
            depth=workspace.fetch(request.depth_url) if request.depth_url else None,
            scenery=workspace.fetch(request.scenery_url) if request.scenery_url else None,
            focal_point=request.focal_point,
        )
        clip = workspace.folder / "clip.mp4"
        share = contained(motif, asked(1.0), (width, height), request.fps)

        def film(cover: float) -> Filming:
            poses = weaker(asked(cover), share)
            return filming([motif], poses, (width, height), request.fps, request.move.shutter)

        (shot,), poses, kept = film(1.0)
        shot.look(poses)
        if request.mode == "handheld" and shot.cover > 1:  # the crop depends on the path, and magnifies its shake
            (shot,), poses, kept = film(shot.cover)
        shot.prepare(poses)
        check = shot.check(poses)
        with ClipWriter(clip, width, height, request.fps) as writer:
            for planes in shot.film(poses):
                writer.write(planes)
                check.see(planes)
                workspace.progress(_MEASURING_SHARE + (1 - _MEASURING_SHARE) * writer.frames / frames)
                workspace.preview(partial(small_jpeg, planes))
        metadata: MotionTransferMetadata = {
            "frames": writer.frames,
            "fps": request.fps,
            "subjectPlace": [round(side, 4) for side in shot.subject_place(poses)],
            "pathLength": round(path.length(), 4),
            "inlierRatio": round(inliers, 4),
        }
        if (score := check.score()) is not None:
            metadata["motionScore"] = round(score, 3)
        if paths := check.paths(0, frames):
            metadata["cameraPath"] = paths
        if kept is not None:
            metadata = {**metadata, **photograph_metadata(motif, kept)}
        if (whole := share * (kept.path if kept else 1)) < 1:
            metadata["pathKept"] = round(whole, 3)
        return StageResult((Output(Role.CLIP, clip, "video/mp4"),), metadata)


class _Measured(NamedTuple):
    """A driving clip's camera path, one step per frame, with the clip's aspect ratio and frame rate."""

    aspect: float  # width / height
    fps: float
    path: CameraPath
    inliers: float


def _measured(driving: Path, workspace: Workspace) -> _Measured:
    """Measure the camera path of a driving clip. Raise StageFailure if it cannot be measured."""
    try:
        facts = probe(driving)
        check_driving_seconds(facts.duration_seconds)
        fps = max(_LOWEST_FPS, min(_HIGHEST_FPS, facts.fps))
        motions = camera_path.estimate(camera_path.tracked(_followed(driving, facts, fps, workspace)))
    except Unreadable as unreadable:
        sentence = unreadable.public_message.replace("clip", "driving clip", 1)
        raise StageFailure(f"driving_{unreadable.code}", sentence) from unreadable
    inliers = camera_path.inlier_ratio(motions)
    if not camera_path.usable(motions):
        raise StageFailure(
            "driving_clip_unusable",
            "The camera path of the driving clip cannot be measured: too few parts of its picture are still.",
        )
    path = camera_path.accumulate(motions)
    if excursion(path) < _LEAST_TRAVEL:
        raise StageFailure("driving_clip_still", "The camera of the driving clip does not move.")
    return _Measured(facts.width / facts.height, float(fps), path, inliers)


def _followed(driving: Path, facts: ClipFacts, fps: Fraction, workspace: Workspace) -> Iterator[Planes]:
    """Yield the clip's frames at the constant rate `fps`, so that steps of its path are equal in time."""
    for index, planes in enumerate(evenly(read_timed(driving), fps, facts.duration_seconds), start=1):
        yield planes
        workspace.progress(_MEASURING_SHARE * min(1.0, float(index / fps) / facts.duration_seconds))
