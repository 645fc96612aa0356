"""The marked preview of a step's result, which its creator may see before the job is paid."""

from pathlib import Path

from shared.observability import logger
from shared.stages.stages import STAGES, Role, Stage
from workers.engines.contract import Output, StageResult
from workers.media import previews
from workers.runtime.attempt import PLACEHOLDER


def preview_of(stage: Stage, made: StageResult, folder: Path) -> Output:
    """Write the preview of the stage's main output into `folder`. Return the placeholder if it cannot be drawn."""
    for output in made.outputs:
        if output.role is STAGES[stage].main:
            try:
                return Output(Role.STEP_PREVIEW, *previews.of_result(output.path, output.media_type, folder))
            except Exception:  # noqa: BLE001  # a step must not fail because its preview cannot be drawn
                logger.exception("preview not drawn")
    return PLACEHOLDER
