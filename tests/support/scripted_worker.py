"""A real worker whose engines follow a script, for faults that no picture causes reliably.

Run it as `python -m tests.support.scripted_worker IMAGE_GENERATION`, with one or more stages. The script is the file
`$KINORA_SCRIPT_FOLDER/<STAGE>`: `slow` (run until stopped), `die` (SIGKILL), `raise`, `raise once` (the next run lasts
two seconds), `fail`, or absent (return a tiny result at once).
"""

import os
import signal
import sys
from pathlib import Path
from time import sleep

from shared.stages.engines import ENGINES
from shared.stages.failures import StageFailure
from shared.stages.requests import StageRequest
from shared.stages.stages import STAGES, Role, Stage
from workers.engines.contract import Output, StageResult, Workspace
from workers.runtime.queue_loop import serve


class Scripted:
    """An engine that makes one tiny file for each role that its stage produces, and for the last frame of the film."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._script = Path(os.environ.get("KINORA_SCRIPT_FOLDER", "/nonexistent")) / stage.value

    def load(self) -> None:
        """Do nothing: the engine has no model."""

    def run(self, _request: StageRequest, workspace: Workspace) -> StageResult:
        script = self._script.read_text() if self._script.exists() else ""
        if script == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if script == "raise once":
            self._script.write_text("two seconds")
        if script.startswith("raise"):
            raise RuntimeError("scripted crash with a private detail")
        if script == "fail":
            raise StageFailure("scripted", "This scene cannot be filmed.")
        for percent in range({"slow": 10**9, "two seconds": 40}.get(script, 0)):
            workspace.progress(min(0.9, percent / 40))
            sleep(0.05)
        last_frame = {Role.PICTURE} if self._stage is Stage.POST_PROCESSING else set()
        return StageResult(tuple(_tiny(workspace, role) for role in sorted(STAGES[self._stage].produces | last_frame)))


def _tiny(workspace: Workspace, role: Role) -> Output:
    path = workspace.folder / f"{role}.bin"
    path.write_text(f"#EXTM3U {role}")
    return Output(role, path, "application/octet-stream")


if __name__ == "__main__":
    chosen = [Stage(name) for name in sys.argv[1:]]
    serve(chosen, {entry.name: Scripted(entry.stage) for entry in ENGINES if entry.stage in chosen})
