"""The check of a clip whose camera a trained engine chose: whether it follows the move of its job (docs/adr/0069)."""

from collections.abc import Callable

from shared.camera.move import CameraMove
from shared.observability import logger
from shared.stages.engines import engine
from shared.stages.messages import MoveCheck, StageTask
from shared.stages.metadata import MOTION_PROMISE, MOTION_SCORE
from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role
from workers.engines.contract import Output, StageResult, Stopped, Workspace
from workers.finishing.edit import EvenClip
from workers.finishing.watch import Watch
from workers.motion.motion_course import CourseCheck
from workers.runtime.handler import MoveMissed


def fetched(check: MoveCheck, workspace: Workspace) -> StageResult:
    """Return the clip of a provider, which the function of remote engines has fetched."""
    path = workspace.folder / "clip.mp4"
    workspace.fetch(str(check.clip_url)).rename(path)
    return StageResult((Output(Role.CLIP, path, "video/mp4"),), check.metrics)


def checked(made: StageResult, task: StageTask, workspace: Workspace) -> StageResult:
    """Return the result with its motion score. Raise MoveMissed if the score is too low and the clip is not the last.

    A clip that cannot be measured is used, because it was paid for. Then the result has no score.
    """
    if not isinstance(task.request, VideoSynthesisJob) or task.check is None:
        return made
    promise = engine(task.stage, task.engine).motion_promise
    score = _score(made, task.request.move, workspace.progress, begin=0 if task.check.clip_url else 1)
    if score is None:
        return made
    if score < promise and not task.check.last:
        raise MoveMissed(score)
    return StageResult(made.outputs, {**made.metrics, MOTION_SCORE: score, MOTION_PROMISE: promise})


def _score(made: StageResult, move: CameraMove, progress: Callable[[float], None], *, begin: float) -> float | None:
    """Return the motion score of the clip, or None if it cannot be measured. `progress` goes from `begin` to 1."""
    [path] = (output.path for output in made.outputs if output.role is Role.CLIP)
    try:
        clip = EvenClip.of(path)
        watch = Watch(CourseCheck(move, float(clip.fps)))
        for number, planes in enumerate(clip.frames(), start=1):
            watch.see(planes)
            progress(max(begin, min(1.0, number / max(1, clip.length))))
    except Stopped:
        raise
    except Exception:  # noqa: BLE001  # the clip is worth more than its score; post-processing reports an unreadable one
        logger.exception("motion not scored")
        return None
    score = watch.score()
    return None if score is None else round(score, 3)
