"""Terminal output of the laptop's programs: a spinner for a wait, one red line for a failure, a table of results."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.progress import Progress, TextColumn
from rich.table import Table

from clients.python.kinora.bars import BAR_WIDTH, LABEL_WIDTH, Mark, Seconds, stage_name

console = Console(highlight=False)
LINE_WIDTH = LABEL_WIDTH + BAR_WIDTH + 7  # aligns the seconds of all lines in one column


@contextmanager
def waiting(doing: str, done: str) -> Iterator[None]:
    """Show `doing` with a spinner and the seconds passed, then print the line `done`."""
    began = monotonic()
    columns = (TextColumn(" "), Mark(), TextColumn(f"{{task.description:<{LINE_WIDTH}}}", markup=False), Seconds())
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
