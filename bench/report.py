"""The report of a benchmark as a table."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from bench.measure import Measure


def show(measures: Iterable[Measure]) -> None:
    """Print the measures. Those that miss their target are red."""
    table = Table("metric", "ours", "peer", "ratio", "target", title="Kinora on this machine")
    for m in measures:
        peer = f"{m.peer:g} ({m.peer_name})" if m.peer is not None else "-"
        ratio = f"{m.ratio:g}" if m.ratio is not None else "-"
        table.add_row(m.metric, f"{m.ours:g} {m.unit}", peer, ratio, m.target, style="red" if m.missed else None)
    Console().print(table)
