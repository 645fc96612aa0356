"""`python -m bench.gpu`: steps per second on a GPU, as diffusers runs a model and as Kinora does.

It builds the published sizes with random weights, so it needs no network and no weights. Each line is printed when it
is measured. A case that fails or takes too long loses its own lines only. `--tiny` tries the program on a CPU.
"""

import argparse
import json
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from PIL import Image

from bench.gpu_models import random_pipeline, text
from workers.diffusion import speed

STEPS = 5  # measured steps of a run; one more is not measured


@dataclass(frozen=True, slots=True)
class Rate:
    """One line of the report. `steps_per_second` counts the steps of each picture or clip of the batch."""

    model: str
    shape: str
    batch: int
    variant: str
    steps_per_second: float
    ratio: float  # to `eager` at batch 1
    peak_gib: float
    warm_seconds: float  # of the first run, with compiling


@dataclass(frozen=True, slots=True)
class Case:
    """A model at one size. `seconds` is the most that it may take."""

    model: str
    width: int
    height: int
    frames: int = 0
    batches: tuple[int, ...] = ()  # more than one, measured after the variants
    seconds: int = 120
    steps: int = STEPS

    @property
    def shape(self) -> str:
        return f"{self.width}x{self.height}" + (f"x{self.frames}" if self.frames else "")


CASES = (
    Case("flux2-klein-4b", 1024, 1024, batches=(2, 4), seconds=130),
    Case("wan2.2-ti2v-5b", 1280, 704, frames=121, seconds=120, steps=3),
    Case("sdxl", 1024, 1024, batches=(2, 4), seconds=165),
    Case("sana-wm", 1280, 704, frames=161, seconds=130, steps=3),
    Case("wan2.2-ti2v-5b", 832, 480, frames=49, batches=(2,), seconds=90, steps=3),
    Case("wan2.1-vace-1.3b", 832, 480, frames=81, seconds=90, steps=3),
)
TINY = (
    Case("flux2-klein-4b", 128, 96, batches=(2,), steps=2),
    Case("sdxl", 128, 96, steps=2),
    Case("wan2.2-ti2v-5b", 128, 96, frames=9, batches=(2,), steps=2),
    Case("sana-wm", 128, 96, frames=9, steps=2),
    Case("wan2.1-vace-1.3b", 128, 96, frames=9, steps=2),
)


class TooLong(BaseException):  # not an Exception, because compilers catch those
    """The end of a case that takes longer than its `seconds`."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLong(f"stopped after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(max(1, seconds))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(pipeline: Any, case: Case, batch: int, words: dict[str, Any], steps: int) -> float:
    """Run the pipeline up to its last latents and return the steps per second after the first step."""
    times: list[float] = []

    def note(_pipeline: Any, _step: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(perf_counter())
        return tensors

    arguments = dict(words)
    if case.frames:
        picture = Image.new("RGB", (case.width, case.height), (90, 120, 150))
        given = {"reference_images": [picture]} if case.model == "wan2.1-vace-1.3b" else {"image": picture}
        arguments |= given | {"num_frames": case.frames}
    if case.model == "sana-wm":
        paths = np.stack([np.eye(4, dtype=np.float32)] * case.frames)
        arguments |= {
            "prompt": "",
            "c2w": paths,
            "intrinsics": [case.width, case.width, case.width / 2, case.height / 2],
        }
    elif case.frames:
        arguments = {
            key: each.repeat(batch, 1, 1) if hasattr(each, "repeat") else each for key, each in arguments.items()
        }
        arguments |= {"prompt": None}
    else:
        arguments |= {"num_images_per_prompt": batch}
    pipeline(
        **arguments,
        width=case.width,
        height=case.height,
        num_inference_steps=steps + 1,
        generator=torch.Generator().manual_seed(1),
        output_type="latent",
        callback_on_step_end=note,
    )
    return (len(times) - 1) / (times[-1] - times[0])


def compiled(pipeline: Any) -> None:
    # A CPU shows whether the blocks can be traced. Its own compiler takes minutes for them.
    speed.compile_blocks(pipeline, "inductor" if torch.cuda.is_available() else "eager")


def compiled_whole(pipeline: Any) -> None:
    if torch.cuda.is_available():
        speed.denoiser(pipeline).compile(dynamic=False)


VARIANTS: tuple[tuple[str, Callable[[Any], object]], ...] = (
    ("eager", lambda _pipeline: None),
    ("+ TF32, layout", speed.prepare),
    ("+ compiled blocks", compiled),
)
FP8 = ("+ FP8", speed.use_fp8)  # after the batches, because it is a choice of the operator
WHOLE = ("+ compiled whole", compiled_whole)  # for the U-Net, whose convolutions are outside its repeated blocks


def measure(case: Case, *, tiny: bool, show: Callable[[Rate], None]) -> None:
    """Measure each variant on top of the one before it, and the batches on the compiled one."""
    device, dtype = ("cuda", torch.bfloat16) if torch.cuda.is_available() else ("cpu", torch.float32)
    pipeline = random_pipeline(case.model, tiny=tiny, device=device, dtype=dtype)
    words = text(case.model, tiny=tiny, device=device, dtype=dtype)
    eager = 0.0

    def one(variant: str, apply: Callable[[Any], object] | None, batch: int = 1) -> None:
        nonlocal eager
        try:
            if apply:
                torch.compiler.reset()
                apply(pipeline)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            began = perf_counter()
            run(pipeline, case, batch, words, 1)
            warm = perf_counter() - began
            rate = batch * run(pipeline, case, batch, words, case.steps)
        except Exception as error:  # noqa: BLE001  # one variant must not end the others' measures
            print(
                f"{case.model} {case.shape} {variant} x{batch}: {type(error).__name__}: {str(error)[:300]}", flush=True
            )
            traceback.print_exc(limit=-2)
            return
        eager = eager or rate
        peak = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0
        show(
            Rate(
                case.model, case.shape, batch, variant,
                round(rate, 3), round(rate / eager, 2), round(peak, 1), round(warm, 1),
            )
        )  # fmt: skip

    for name, apply in VARIANTS:
        one(name, apply)
    for batch in case.batches:
        one(VARIANTS[-1][0], None, batch)
    if case.model == "sdxl":
        one(*WHOLE)
    elif torch.cuda.is_available():  # a CPU has no such products
        one(*FP8)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--seconds", type=int, default=390, help="the most that all cases may take")
    parser.add_argument("--only", help="the beginning of a case, such as `sdxl`")
    parser.add_argument("--out", type=Path, default=Path("build/gpu.json"))
    options = parser.parse_args()
    ends = perf_counter() + options.seconds
    lines: list[Rate] = []

    def show(line: Rate) -> None:
        lines.append(line)
        print("| " + " | ".join(str(cell) for cell in asdict(line).values()) + " |", flush=True)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps({"device": device, "lines": [asdict(each) for each in lines]}, indent=1))

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"{device}, torch {torch.__version__}\n")
    titles = ("model", "shape", "batch", "variant", "steps/s", "ratio", "peak GiB", "first run s")
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    failed = 0
    for case in TINY if options.tiny else CASES:
        left = ends - perf_counter()
        if left < 30 or (options.only and not f"{case.model} {case.shape}".startswith(options.only)):
            continue
        try:
            with limited(int(min(case.seconds, left))):
                measure(case, tiny=options.tiny, show=show)
        except (Exception, TooLong) as error:  # noqa: BLE001  # one model must not end the others' measures
            failed += 1
            print(f"{case.model} {case.shape}: {type(error).__name__}: {str(error)[:300]}", flush=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
