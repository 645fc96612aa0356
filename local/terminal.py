"""Terminal output of the laptop's programs: a spinner for a wait, a bar for each stage, one red line for a failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

console = Console(highlight=False)
LABEL_WIDTH = 20
BAR_WIDTH = 36
LINE_WIDTH = LABEL_WIDTH + BAR_WIDTH + 7  # aligns the seconds of all lines in one column


class _Mark(SpinnerColumn):
    """A dot before a step starts, a spinner while it runs, a tick when it is done, its `mark` when it was stopped."""

    def __init__(self) -> None:
        super().__init__("dots", style="cyan", finished_text="[green]✔[/]")

    def render(self, task: Task) -> RenderableType:
        if not task.started:
            return Text("·", style="dim")
        return Text.from_markup(task.fields["mark"]) if "mark" in task.fields else super().render(task)


class _Seconds(ProgressColumn):
    """The seconds that a step has run; empty before it starts."""

    def render(self, task: Task) -> Text:
        elapsed = task.finished_time if task.finished else task.elapsed
        return Text("" if elapsed is None else f"{elapsed:5.1f} s", style="dim")


@contextmanager
def waiting(doing: str, done: str) -> Iterator[None]:
    """Show `doing` with a spinner and the seconds passed, then print the line `done`."""
    began = monotonic()
    columns = (TextColumn(" "), _Mark(), TextColumn(f"{{task.description:<{LINE_WIDTH}}}", markup=False), _Seconds())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(doing, total=None)
        yield
    console.print(f"  [green]✔[/] {_safe(f'{done:<{LINE_WIDTH}}')} [dim]{monotonic() - began:5.1f} s[/]")


def title(text: str, facts: str) -> None:
    console.print(f"\n  [bold cyan]Kinora[/]\n  [bold]{_safe(text)}[/]\n  [dim]{_safe(facts)}[/]\n", soft_wrap=True)


def done(sentence: str) -> None:
    console.print(f"  [green]✔[/] {_safe(sentence)}", soft_wrap=True)


def failure(sentence: str) -> None:
    """Print one red sentence."""
    console.print(f"\n  [bold red]✘[/] [red]{_safe(sentence)}[/]\n", soft_wrap=True)


def note(sentence: str) -> None:
    console.print(f"\n  [yellow]■[/] {_safe(sentence)}", soft_wrap=True)


def stage_name(step_type: str) -> str:
    """Return the display name of a stage: `VIDEO_SYNTHESIS` becomes `Video synthesis`."""
    return "Post-processing" if step_type == "POST_PROCESSING" else step_type.replace("_", " ").capitalize()


class StageBars:
    """One progress bar for each step of a job, updated by the job's events."""

    def __init__(self, steps: list[dict[str, Any]]) -> None:
        self._progress = Progress(
            TextColumn(" "),
            _Mark(),
            TextColumn(f"{{task.description:<{LABEL_WIDTH}}}"),
            BarColumn(BAR_WIDTH, complete_style="cyan", finished_style="green"),
            TextColumn("{task.percentage:>3.0f} %"),
            _Seconds(),
            console=console,
        )
        self._stages = [step["stepType"] for step in steps]
        self._bars: dict[str, TaskID] = {
            stage: self._progress.add_task(stage_name(stage), total=100, start=False) for stage in self._stages
        }

    def __enter__(self) -> "StageBars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_with("[yellow]■[/]")
        self._progress.stop()

    def show(self, event: dict[str, Any]) -> None:
        """Update the bars from an event."""
        match event["type"]:
            case "job.snapshot":
                for step in event["job"]["steps"]:
                    if step["status"] != "PENDING":
                        self._set(step["stepType"], 100 if step["status"] == "COMPLETED" else step["progress"])
            case "job.progress" if event["currentStep"] in self._bars:
                # A job's progress gives its steps equal weight, so the stage's own progress follows from it.
                index = self._stages.index(event["currentStep"])
                self._complete(self._stages[:index])
                own = event["progress"] * len(self._stages) - 100 * index
                self._set(event["currentStep"], min(99, max(0, own)))
            case "step.completed":
                index = self._stages.index(event["stepType"])
                self._complete(self._stages[: index + 1])
            case "job.completed":
                self._complete(self._stages)
            case "job.failed":
                self._end_with("[red]✘[/]")

    def _complete(self, stages: list[str]) -> None:
        for stage in stages:
            self._set(stage, 100)

    def _end_with(self, mark: str) -> None:
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


def words(job: dict[str, Any]) -> None:
    """Print how the painter reads the prompt, and the words of which it paints nothing."""
    read = [*(job["understood"] or []), *(f"{phrase} (for {word})" for word, phrase in (job["readAs"] or {}).items())]
    if read:
        console.print(f"    [dim]The painter reads: {_safe(', '.join(read))}[/]", soft_wrap=True)
    if job["notUnderstood"]:
        console.print(f"  [yellow]■[/] Not understood: {_safe(', '.join(job['notUnderstood']))}", soft_wrap=True)


def results(job: dict[str, Any], seconds: dict[str, float], files: list[tuple[str, str]]) -> None:
    """Print the stages with their engines and seconds, then the saved files."""
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim", footer_style="dim", show_footer=True)
    table.add_column("Stage", "Total", min_width=LABEL_WIDTH)
    table.add_column("Engine")
    table.add_column("Seconds", f"{sum(seconds.values()):.1f}", justify="right")
    for step in job["steps"]:
        table.add_row(stage_name(step["stepType"]), step["engine"], f"{seconds[step['stepType']]:.1f}")
    console.print()
    console.print(Padding(table, (0, 0, 0, 4)))
    console.print()
    for path, facts in files:
        console.print(f"    [bold]{_safe(path)}[/]  [dim]{_safe(facts)}[/]", soft_wrap=True)
    console.print()


def _safe(text: str) -> str:
    """Escape rich's markup."""
    return text.replace("[", r"\[")
