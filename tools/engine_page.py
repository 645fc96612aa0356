"""`docs/engines.md`: the table of all engines, the limits of providers' models, and the outcome of each fault."""

from collections.abc import Iterator
from math import ceil

from shared.stages.choice import in_order, row_of
from shared.stages.engines import ALL_ENGINES, Engine, Runs
from shared.stages.stages import Stage
from tests.support.provider_faults import ENGINES_OF, FAULTS

HEAD = """# Engines

`make docs` writes this page from the catalogue (`shared/stages/engines.py`, `shared/stages/remote_engines.py`) and from
the table of faults (`tests/support/provider_faults.py`), which `tests/integration/test_provider_faults.py` runs.
`GET /api/engines` shows the same table, with the engines that a deployment offers.

## The table

A job can name an engine for each step in `settings.engines`. A step without a name gets the first row that is
available and that makes its duration, size, aspect ratio, loop and pictures. A row is available if

- its GPU is in the deployment, or the operator has [stored the key](how-to/deploy.md) of its provider;
- an admin has not disabled it, and it is before its sunset;
- for an engine of a provider: the operator allows it by default (`default_engines`), its circuit is closed, and the
  day's cap is not reached. Without `default_engines` a stored key changes no job that names no engine.

The quote names the engine of each step, its row, and whether it runs at a provider. The job keeps the engine: a retry
or a film after a still chooses no other provider. A creator who does not want the first row names another one, such as
`{"IMAGE_GENERATION": "procedural"}`. If the painter makes the picture, the quote lists the words that it does not know.

The order: the highest measured motion score; engines that nobody has measured come after those with a score; then
trained models, because they make what the prompt says; then the lowest price for a film of 5 seconds. The motion score
is the lowest of its published measurement. No clip of a provider or of a GPU engine has been measured: that needs a key
or weights. `GET /api/engines` shows the seconds that steps take in the deployment. They do not order the rows, because
nobody has measured the providers.
"""
MISSED_HEAD = """
## Clips that do not follow their move

A trained engine chooses its camera itself. So a worker measures the clip before it is used. The motion score compares
the directions of the camera path, and not its size, its speed or its shake. A clip that cannot be measured is used.
Below the promise of the engine, `settings.onMissedMove` of the job decides
([ADR 69](adr/0069-a-clip-that-misses-its-move-is-replaced.md)):

| `onMissedMove` | what follows | the creator pays | the provider charges |
|---|---|---|---|
| `camera` (default) | the 2.5D camera renders the move over the picture | the lower price of that camera | one clip |
| `repeat` | the engine makes one more clip with another seed | the quoted price | two clips |
| `keep` | the clip is used, and its score is shown | the quoted price | one clip |

The second clip of a `repeat` is used whatever its score is. A `repeat` that would exceed a cap of the operator, or that
fails at the provider, is replaced by `camera`. The quote shows what follows, and its price. The step shows what was
done in `missedMove`, with the score and the promise.

The promise is 0.5 for each trained engine. It is a declared number: nobody has measured clips of these engines. It was
set with clips of our renderer for a crash zoom. The same move with 70 % of its size scores 0.99, a pan 0.37, a truck
0.10, and the opposite zoom and a clip without movement 0. `motion_promise` of an entry in the catalogue changes it.
Our own renderer calculates its camera, so its clips are not replaced.
"""
CONTRACT_HEAD = """
## The engines that the contract names

| the contract | here | shown by |
|---|---|---|"""
CONTRACT = (
    ("DALL-E API", "`openai-image`: OpenAI ended DALL-E in May 2026", "test_openai_paints_the_picture"),
    ("SDXL", "`sdxl`, on a worker with a GPU", "test_a_worker_with_a_gpu_gets_the_step_of_sdxl"),
    ("Runway API", "`runway-gen4.5` and the other `runway-` engines", "test_runway_and_pika_make_the_clip"),
    ("Pika API", "`fal-pika`: Pika's API is that of fal", "test_runway_and_pika_make_the_clip"),
    ("SageMaker", "any stage, as an asynchronous endpoint", "test_an_endpoint_of_sagemaker_gets_the_step_of_sdxl"),
    (
        "ECS GPU tasks", "stages with an engine of `gpu_engines`",
        "test_a_stage_with_a_gpu_engine_has_the_gpu_image_on_instances_that_scale_to_zero",
    ),
)  # fmt: skip
"""What the contract calls an engine, ours, and the test that shows it."""
COMPLETED_HEAD = """
## Engines that a worker completes

These engines of providers make an input of the step, and an in-process engine completes it in the same step
([ADR 74](adr/0074-a-worker-completes-what-a-provider-made.md)). The step is paid once.

- `luma-layers` cuts the picture into layers. `parallax` moves the exact camera over them. Layers that cannot be used
  end as `layers_unusable`, and the creator is charged nothing.
- `elevenlabs-effects` and `elevenlabs-music` make the film's soundtrack from `settings.soundPrompt`, and `finish` adds
  it. A job gets them only if it names them in `settings.engines.POST_PROCESSING`. A job that also has an input with
  the role `audio` is refused.
- `runway-upscale` and `runway-frame-rate` do the operation `upscale` or `interpolate`, and `finish` does the others. A
  job names the engine and the operation. Frames that our camera can draw exactly are not bought.
"""
LIMITS_HEAD = """
## Engines of providers

The outcomes are shown with [the imitation](adr/0057-providers-are-imitated-and-their-models-are-data.md), not with the
providers. `make demo ENGINE=runway` uses it.

Prices are list prices in US cents, which the operator pays. They are data and can be out of date. A price has a link
to the page on which it was read. A price that is marked as an estimate was read on no page of the provider: compare it
with the bill, and correct `shared/stages/remote_engines.py`. The caps and `make margins` calculate with it.
"""
FAULT_HEAD = """
## Faults

A step without a film fails with the named code, and its creator is charged nothing. The request stays on record, and
`make margins` has its charge. The download of a file is repeated, and its generation is not.
"""


def page() -> str:
    """Return the text of the page."""
    return (
        "\n".join([
            HEAD, *_table(), MISSED_HEAD, CONTRACT_HEAD, *_contract(), COMPLETED_HEAD, LIMITS_HEAD, *_limits(),
            FAULT_HEAD, *_faults(),
        ])
        + "\n"
    )  # fmt: skip


def _contract() -> Iterator[str]:
    for named, ours, test in CONTRACT:
        yield f"| {named} | {ours} | `{test}` |"


def _table() -> Iterator[str]:
    yield "| step | row | engine | needs | motion score | credits for 5 s |"
    yield "|---|---|---|---|---|---|"
    order = list(Stage)
    rows = sorted(in_order(ALL_ENGINES), key=lambda entry: (order.index(entry.stage), row_of(entry) is None))
    for entry in rows:
        cells = (
            f"`{entry.stage}`", f"{row_of(entry) or 'only if named'}", f"`{entry.name}`", _needs(entry), _score(entry),
            f"{ceil(entry.credits_for(5))}",
        )  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def _score(entry: Engine) -> str:
    if entry.motion_source is not None:
        return f"[{entry.motion_score:g}]({entry.motion_source.removeprefix('docs/')})"
    makes_clips = entry.stage is not Stage.IMAGE_GENERATION and not entry.makes_sound and not entry.takes_over
    return "not measured" if makes_clips else "makes no clip"


def _needs(entry: Engine) -> str:
    if entry.runs is Runs.REMOTE:
        return f"a key (`{entry.key}`)"
    return "a GPU" if entry.weights else "nothing"


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
    if entry.stage in {Stage.MOTION_TRANSFER, Stage.POST_PROCESSING}:
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
