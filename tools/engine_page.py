"""`docs/engines.md`: the engines of providers with their limits, and the outcome of each fault of a provider."""

from collections.abc import Iterator

from shared.stages.engines import ALL_ENGINES, Engine, Runs
from shared.stages.stages import Stage
from tests.support.provider_faults import ENGINES_OF, FAULTS

HEAD = """# Engines of providers

`make docs` writes this page from the catalogue (`shared/stages/remote_engines.py`) and from the table of faults
(`tests/support/provider_faults.py`), which `tests/integration/test_provider_faults.py` runs. A job uses such an engine
only if it names it in `settings.engines`, and only where the operator has [stored its key](how-to/deploy.md).
`GET /api/engines` shows the engines of all kinds.

The outcomes are shown with [the imitation](adr/0057-providers-are-imitated-and-their-models-are-data.md), not with the
providers. `make demo ENGINE=runway` uses it.

## Limits

Prices are list prices in US cents, which the operator pays. They are data and can be out of date. A price has a link
to the page on which it was read. A price that is marked as an estimate was read on no page of the provider: compare it
with the bill, and correct `shared/stages/remote_engines.py`. The caps and `make margins` calculate with it.
"""
FAULT_HEAD = """
## Faults

A step fails with the named code, and its creator is charged nothing. The request stays on record, and `make margins`
has its charge. The download of a file is repeated, and its generation is not.
"""


def page() -> str:
    """Return the text of the page."""
    return "\n".join([HEAD, *_limits(), FAULT_HEAD, *_faults()]) + "\n"


def _limits() -> Iterator[str]:
    yield "| engine | model | seconds | aspect ratios | pictures | UTF-16 units of the prompt | price | fallback |"
    yield "|---|---|---|---|---|---|---|---|"
    for entry in ALL_ENGINES:
        if entry.runs is Runs.REMOTE:
            cells = (
                f"`{entry.name}`", f"`{entry.model}`", _seconds(entry), ", ".join(entry.ratios or ["all"]),
                _pictures(entry), f"{entry.max_prompt_units or 'not limited'}", _price(entry),
                f"`{entry.fallback}`" if entry.fallback else "-",
            )  # fmt: skip
            yield f"| {' | '.join(cells)} |"


def _seconds(entry: Engine) -> str:
    if entry.copies_performance:
        return "those of the driving clip"
    return ", ".join(f"{seconds:g}" for seconds in sorted(entry.durations)) if entry.durations else "-"


def _pictures(entry: Engine) -> str:
    if entry.stage is Stage.IMAGE_GENERATION:
        return "makes one"
    if entry.stage is Stage.MOTION_TRANSFER:
        return "-"
    last = "a first and a last one" if entry.max_pictures == 2 else "one"
    return f"{last}; one for a loop of at most {entry.max_loop_seconds:g} s" if entry.loops else last


def _price(entry: Engine) -> str:
    prices = {"": entry.provider_cents, " a second": entry.provider_cents_per_second}
    price = " + ".join(f"{cents:g}{unit}" for unit, cents in prices.items() if cents)
    return f"[{price}]({entry.price_source})" if entry.price_source else f"{price} (estimate)"


def _faults() -> Iterator[str]:
    yield f"| call | fault | {' | '.join(ENGINES_OF)} |"
    yield f"|---|---|{'---|' * len(ENGINES_OF)}"
    for case in FAULTS:
        ends = " | ".join(case.ends.get(name, "-") for name in ENGINES_OF)
        yield f"| {case.call} | {case.about} | {ends} |"
