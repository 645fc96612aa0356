"""One bar for each stage of a film, in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text

if TYPE_CHECKING:
    from .models import Job

LABEL_WIDTH = 20
BAR_WIDTH = 36


class Mark(SpinnerColumn):
    """A dot before a step starts, a spinner while it runs, a tick when it is done, its `mark` when it was stopped."""

    def __init__(self) -> None:
        super().__init__("dots", style="cyan", finished_text="[green]✔[/]")

    def render(self, task: Task) -> RenderableType:
        if not task.started:
            return Text("·", style="dim")
        return Text.from_markup(task.fields["mark"]) if "mark" in task.fields else super().render(task)


class Seconds(ProgressColumn):
    """The seconds that a step has run; empty before it starts."""

    def render(self, task: Task) -> Text:
        elapsed = task.finished_time if task.finished else task.elapsed
        return Text("" if elapsed is None else f"{elapsed:5.1f} s", style="dim")


def stage_name(step_type: str) -> str:
    """Return the display name of a stage: `VIDEO_SYNTHESIS` becomes `Video synthesis`."""
    return "Post-processing" if step_type == "POST_PROCESSING" else step_type.replace("_", " ").capitalize()


class StageBars:
    """One progress bar for each step of a job."""

    def __init__(self, job: Job, console: Console) -> None:
        self._progress = Progress(
            TextColumn(" "),
            Mark(),
            TextColumn(f"{{task.description:<{LABEL_WIDTH}}}"),
            BarColumn(BAR_WIDTH, complete_style="cyan", finished_style="green"),
            TextColumn("{task.percentage:>3.0f} %"),
            Seconds(),
            console=console,
        )
        self._bars: dict[str, TaskID] = {
            step.step_type: self._progress.add_task(stage_name(step.step_type), total=100, start=False)
            for step in job.steps
        }
        self.show(job)

    def __enter__(self) -> StageBars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_with("[yellow]■[/]")
        self._progress.stop()

    def show(self, job: Job) -> None:
        """Update the bars."""
        stages = [step.step_type for step in job.steps]
        current = stages.index(job.current_step) if job.current_step in stages else -1
        for index, step in enumerate(job.steps):
            if step.status == "COMPLETED" or job.status == "COMPLETED" or index < current:
                self._set(step.step_type, 100)
            elif index == current:
                # A job's progress gives its steps equal weight, so the stage's own progress follows from it.
                own = job.progress * len(stages) - 100 * index
                self._set(step.step_type, min(99, max(step.progress, own)))
        if job.status == "FAILED":
            self._stop_with("[red]✘[/]")

    def _stop_with(self, mark: str) -> None:
        """Stop the bars that still run, with this mark."""
        for task in self._progress.tasks:
            if task.started and not task.finished and "mark" not in task.fields:
                self._progress.update(task.id, mark=mark)
                self._progress.stop_task(task.id)

    def _set(self, stage: str, percent: float) -> None:
        bar = self._bars[stage]
        task = next(task for task in self._progress.tasks if task.id == bar)
        if not task.started:
            self._progress.start_task(bar)
        if percent > task.completed:
            self._progress.update(bar, completed=percent)
