"""docs/performance.md: runs are recorded, and a missed bar is named as missed."""

from datetime import UTC, datetime
from pathlib import Path

from bench.measure import Measure
from bench.record import KEPT, record, runs
from tools.performance_page import Bar, text

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
SLOW = Measure("render_vs_zoompan", 40.0, 50.0, "ffmpeg zoompan", 0.8, "frames/s")
QUICK = Measure("cold_authorizer", 30.0, 100.0, "stock stack", 0.3, "ms")


def row(page: str, name: str) -> str:
    return next(line for line in page.splitlines() if line.startswith(f"| {name}"))


def test_the_newest_runs_are_kept_as_they_were_measured(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    for minute in range(KEPT + 1):
        record([SLOW, QUICK], AT.replace(minute=minute), file)
    kept = runs(file)
    assert [run.at for run in kept] == [f"2026-01-02 03:0{minute}" for minute in range(1, KEPT + 1)]
    assert kept[0].measures == (SLOW, QUICK)


def test_the_page_names_missed_bars_and_bars_without_a_figure(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    record([SLOW, QUICK], AT, file)
    record([Measure("render_vs_zoompan", 45.0, 50.0, "ffmpeg zoompan", 0.9, "frames/s")], AT, file)
    page = text(runs(file), [Bar("dollars", 40, (70.0,)), Bar("units", 40, (36,))])
    assert "Bars that are missed: `render_vs_zoompan` / ffmpeg zoompan, dollars." in page
    assert (
        row(page, "`render_vs_zoompan`")
        == "| `render_vs_zoompan` / ffmpeg zoompan | >= 1.2 | 0.85 | 0.8 to 0.9 | **missed** |"
    )
    assert row(page, "`cold_authorizer`") == "| `cold_authorizer` / stock stack | <= 0.35 | 0.3 | - | met |"
    assert row(page, "`cold_sign_in`") == "| `cold_sign_in` | <= 1.2 | - | - | not measured |"
    assert row(page, "units") == "| units | <= 40 | 36 | - | met |"
