"""docs/performance.md: each bar beside the figure that `make bench` recorded, or that the sheet of costs counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.measure import AT_LEAST, AT_LEAST_OURS, AT_MOST
from bench.record import KEPT, BenchRun, runs
from infra.environments import ENVIRONMENTS as ENVIRONMENTS_OF
from tools.costs import idle, job, platform_dollars, sum_of
from tools.prices import JOBS
from tools.template import ENVIRONMENTS, synthesized
from tools.worker_costs import dollars_of_film, first_film_seconds

FIRST_FILM_SECONDS = 240
PLATFORM_DOLLARS = 0.30  # of 1,000 jobs
WRITE_UNITS = 36  # of a job
IDLE_DOLLARS = {"dev": 40.0, "prod": 130.0}  # a month
WORKERS_DOLLARS = {"dev": 1.3, "staging": 2.6, "prod": 7.4}  # of 1,000 jobs, half of those before ADR 66


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the page. `figures` are one for each run, or the one that is counted. `at_least`: more is better."""

    name: str
    target: float
    figures: tuple[float, ...]
    at_least: bool = False

    @property
    def verdict(self) -> str:
        if not self.figures:
            return "not measured"
        figure = median(self.figures)
        return "met" if (figure >= self.target if self.at_least else figure <= self.target) else "**missed**"

    def row(self) -> str:
        target = f"{'>=' if self.at_least else '<='} {self.target:g}"
        figure = f"{median(self.figures):.3g}" if self.figures else "-"
        spread = f"{min(self.figures):.3g} to {max(self.figures):.3g}" if len(self.figures) > 1 else "-"
        return f"| {self.name} | {target} | {figure} | {spread} | {self.verdict} |"


def measured(recorded: Sequence[BenchRun]) -> Iterator[Bar]:
    """Yield the bars of `make bench`. A measure with a peer has the ratio to it as its figure."""
    for at_least, targets in ((True, AT_LEAST | AT_LEAST_OURS), (False, AT_MOST)):
        for name, target in targets.items():
            found = [one for run in recorded for one in run.measures if one.metric == name]
            peer = next((f" / {one.peer_name}" for one in found if one.peer_name and name not in AT_LEAST_OURS), "")
            figures = tuple(one.ours if one.ratio is None or name in AT_LEAST_OURS else one.ratio for one in found)
            yield Bar(f"`{name}`{peer}", target, figures, at_least)


def counted() -> Iterator[Bar]:
    """Yield the bars that docs/cost.md calculates from templates and from one counted job."""
    slowest = max(first_film_seconds(one) for one in ENVIRONMENTS_OF.values())
    yield Bar("first film after a quiet time, in seconds", FIRST_FILM_SECONDS, (slowest,))
    yield Bar("write units of a job", WRITE_UNITS, (job().meter.total,))
    clouds = {name: synthesized(name) for name in ENVIRONMENTS}
    for name, cloud in clouds.items():
        dollars = platform_dollars(cloud, job())
        yield Bar(
            f"platform of {JOBS:,} jobs without films and workers in {name}, in dollars", PLATFORM_DOLLARS, (dollars,)
        )
    for name in clouds:
        dollars = JOBS * dollars_of_film(ENVIRONMENTS_OF[name], at_a_time=10)
        yield Bar(f"workers of {JOBS:,} jobs, 10 at a time, in {name}, in dollars", WORKERS_DOLLARS[name], (dollars,))
    for name, most in IDLE_DOLLARS.items():
        yield Bar(f"{name} idle for a month, in dollars", most, (sum_of(idle(clouds[name])),))


def table(bars: Sequence[Bar]) -> str:
    rows = [bar.row() for bar in bars]
    return "\n".join(["| what | bar | figure | from run to run | |", "|---|---:|---:|---:|---|", *rows])


def text(recorded: Sequence[BenchRun], calculated: Sequence[Bar]) -> str:
    """Return the page for these runs and these calculated bars."""
    bars = [*measured(recorded)]
    missed = [bar.name for bar in (*bars, *calculated) if bar.verdict == "**missed**"]
    parts = [
        "# Performance",
        "`make docs` writes this page from [bench.json](bench.json), to which `make bench RECORD=1` adds a run, and "
        f"from the calculation of [cost.md](cost.md). The newest {KEPT} runs are kept. The figure is their median: the "
        "ratio to the peer if there is one, or else our own value. The names are those that `make bench` prints.",
        f"Bars that are missed: {', '.join(missed) or 'none'}.",
        "## Measured",
        "\n".join(f"- {run.at} UTC: {run.machine}, {len(run.measures)} measures" for run in recorded)
        or "No run is recorded.",
        table(bars),
        "## Calculated",
        table(calculated),
    ]
    return "\n\n".join(parts) + "\n"


def page() -> str:
    """Return the page as Markdown."""
    return text(runs(), [*counted()])
