"""The GPU engines run on a CPU with tiny models of random weights: everything but what the pictures show.

`make test-gpu` runs them, because torch takes a gigabyte.
"""

import socket
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
import pytest
import torch
from diffusers.pipelines.sana_wm.cam_utils import action_string_to_c2w
from diffusers.pipelines.stable_diffusion_xl import StableDiffusionXLPipelineOutput

from bench.gpu import Case, run
from bench.gpu_models import random_pipeline, text
from shared.camera.move import CameraMove, Keyframe, Pose
from shared.stages.engines import GPU_ENGINES, Engine
from shared.stages.failures import StageFailure
from shared.stages.metadata import declared
from shared.stages.requests import ImageGenerationJob, MotionTransferJob, VideoSynthesisJob
from shared.stages.stages import STAGES, Role, Stage
from shared.stages.weights import WEIGHTS
from tests.gpu.tiny_models import save
from tests.support.clips import driving_clip, picture
from workers.diffusion import speed
from workers.diffusion.model_folder import WeightsUnavailable
from workers.diffusion.speed import Fp8Linear
from workers.engines.contract import StageResult, Stopped, Workspace
from workers.engines.image_generation import flux2_klein, sdxl
from workers.engines.motion_transfer import vace
from workers.engines.video_synthesis import sana_wm, wan
from workers.media.codecs import read_planes
from workers.media.probe import probe
from workers.motion.camera_matrices import camera_matrices

PIPELINES = [entry for entry in GPU_ENGINES if entry.stage is not Stage.POST_PROCESSING]
pytestmark = pytest.mark.timeout(1200)  # loading torch alone takes half a minute on a busy machine

MODULES = {"flux2-klein": flux2_klein, "sdxl": sdxl, "wan": wan, "sana-wm": sana_wm, "vace": vace}
CLASSES: dict[str, Callable[[], Any]] = {
    "flux2-klein": flux2_klein.Flux2Klein,
    "sdxl": sdxl.Sdxl,
    "wan": wan.Wan,
    "sana-wm": sana_wm.SanaWm,
    "vace": vace.Vace,
}
STEPS = 3
PREPARED = 0.02  # progress before the first step
SIZE = {"width": 160, "height": 90}
IDS = {"job_id": "job_1", "user_id": "usr_1"}
MOVE = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, dolly=1)), prompt_phrase="a dolly in", negatives=("night",))


@dataclass
class Run:
    """One run of an engine. With `stop_at` its job is cancelled when the progress reaches that."""

    folder: Path
    stop_at: float = 2.0
    progress: list[float] = field(default_factory=list)
    previews: list[bytes] = field(default_factory=list)

    def made_by(self, loaded: Any, request: Any) -> StageResult:
        self.folder.mkdir()
        workspace = Workspace(
            self.folder, fetch=Path, progress=self._note, preview=lambda draw: self.previews.append(draw())
        )
        result: StageResult = loaded.run(request, workspace)
        return result

    def _note(self, fraction: float) -> None:
        self.progress.append(fraction)
        if fraction >= self.stop_at:
            raise Stopped


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    for entry in PIPELINES:
        assert entry.weights
        save(entry.weights, folder)
    return folder


def refuse(*_: object) -> NoReturn:
    raise AssertionError("an engine opened a connection")


@pytest.fixture(scope="module", params=PIPELINES, ids=lambda entry: entry.name)
def engine(request: pytest.FixtureRequest, weights: Path) -> Any:
    """Return the catalogue's entry and its engine, loaded without a network."""
    entry: Engine = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINORA_WEIGHTS", str(weights))
        patch.setenv("KINORA_ACCEPTED_LICENCES", "sana-wm")
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        patch.setattr(MODULES[entry.name], "_STEPS", STEPS)
        patch.setattr(MODULES[entry.name], "_PIXELS", 128 * 64)
        loaded = CLASSES[entry.name]()
        loaded.load()
        yield entry, loaded


def request_of(entry: Engine, folder: Path, seed: int = 1) -> Any:
    if entry.stage is Stage.IMAGE_GENERATION:
        given = {**IDS, **SIZE, "prompt": "a dragon eating soup", "aspect_ratio": "16:9", "seed": seed}
        return ImageGenerationJob.model_validate(given)
    image = picture(folder / "in.png", width=320, height=180)
    given = {**IDS, **SIZE, "image_url": str(image), "prompt": "a dragon", "preset_id": "dolly-in", "seed": seed}
    given |= {"move": MOVE, "duration": 1, "fps": 12}
    if entry.stage is Stage.VIDEO_SYNTHESIS:
        return VideoSynthesisJob.model_validate(given)
    driving = driving_clip(folder / "driving.mp4", seconds=3)
    return MotionTransferJob.model_validate(given | {"video_url": str(driving), "driving_url": str(driving)})


def test_it_makes_what_the_contract_asks_for_and_shows_its_progress(engine: Any, tmp_path: Path) -> None:
    entry, loaded = engine
    run = Run(tmp_path / "run")
    made = run.made_by(loaded, request_of(entry, tmp_path))
    assert {output.role for output in made.outputs} == STAGES[entry.stage].produces
    assert set(made.metrics) <= declared(entry.stage)
    assert run.progress == sorted(run.progress)
    assert (len([one for one in run.progress if one > PREPARED]), run.progress[-1]) == (STEPS + 1, 1.0)
    assert len(run.previews) == STEPS
    for jpeg in run.previews:
        assert np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)).shape[1] == 320
    for output in made.outputs:
        if output.role is Role.CLIP:
            facts = probe(output.path)
            assert (facts.width, facts.height) == (160, 90)
            assert facts.duration_seconds == pytest.approx(1, abs=0.02)
            assert facts.fps == made.metrics["fps"]
        else:
            shape = np.asarray(cv2.imread(str(output.path), cv2.IMREAD_UNCHANGED)).shape
            assert shape == ((90, 160, 3) if output.role is Role.PICTURE else (90, 160))


def test_a_seed_decides_the_result_and_a_cancelled_run_ends_within_a_step(engine: Any, tmp_path: Path) -> None:
    entry, loaded = engine

    def made(name: str, seed: int) -> bytes:
        outputs = Run(tmp_path / name).made_by(loaded, request_of(entry, tmp_path, seed)).outputs
        return outputs[0].path.read_bytes()

    first = made("first", 1)
    cancelled = Run(tmp_path / "cancelled", stop_at=0.1)
    with pytest.raises(Stopped):
        cancelled.made_by(loaded, request_of(entry, tmp_path))
    assert cancelled.progress[-1] >= 0.1 > PREPARED >= max(cancelled.progress[:-1]), "after the first step"
    assert made("again", 1) == first
    assert made("other", 2) != first


def test_a_model_is_warmed_up_where_it_is_compiled(
    engine: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, loaded = engine
    runner, pipeline, calls = loaded._runner, loaded._runner.pipeline, list[dict[str, Any]]()

    def note(**told: Any) -> Any:
        calls.append(told)
        return pipeline(**told)

    monkeypatch.setattr(runner, "pipeline", note)
    monkeypatch.setattr(MODULES[engine[0].name], "load_runner", lambda *_, **__: runner)
    monkeypatch.setattr(MODULES[engine[0].name], "_USUAL_SECONDS", 1.0, raising=False)
    loaded.load()
    assert calls == [], "a CPU compiles nothing"

    monkeypatch.setattr(runner, "_on_gpu", True)  # the fixture has loaded the model as a CPU does
    loaded.load()
    assert [told["num_inference_steps"] for told in calls] == [2]
    assert calls[0]["width"] > calls[0]["height"], "16:9"


def test_the_first_block_cache_skips_blocks_and_a_cancelled_run_leaves_nothing_in_it(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_WEIGHTS", str(weights))
    monkeypatch.setattr(wan, "_STEPS", 20)
    monkeypatch.setattr(wan, "_PIXELS", 64 * 64)
    entry = next(entry for entry in GPU_ENGINES if entry.name == "wan")
    request = request_of(entry, tmp_path)
    inner, clips = dict[str, int](), dict[str, StageResult]()
    for cache in ("0", "1"):
        monkeypatch.setenv("KINORA_FIRST_BLOCK_CACHE", cache)
        loaded = wan.Wan()
        loaded.load()
        attention, calls = loaded._runner.pipeline.transformer.blocks[-1].attn1, list[int]()
        attention.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        clips[cache] = Run(tmp_path / f"run{cache}").made_by(loaded, request)
        inner[cache] = len(calls)
    assert inner["0"] == 40, "20 steps, each with and without the prompt"
    assert 2 <= inner["1"] < inner["0"]
    one, other = (list(read_planes(clips[cache].outputs[0].path)) for cache in ("0", "1"))
    assert (len(one), one[0].y.shape) == (len(other), other[0].y.shape)

    with pytest.raises(Stopped):
        Run(tmp_path / "cancelled", stop_at=0.5).made_by(loaded, request)
    again = Run(tmp_path / "again").made_by(loaded, request)
    assert again.outputs[0].path.read_bytes() == clips["1"].outputs[0].path.read_bytes()


def test_blocks_with_the_cache_share_one_compiled_graph() -> None:
    torch.compiler.reset()
    pipeline = random_pipeline("wan2.2-ti2v-5b", tiny=True)
    graphs = list[Any]()

    def counted(graph: Any, _inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    speed.compile_forwards(pipeline, counted)
    speed.cache_first_block(pipeline)
    case = Case("wan2.2-ti2v-5b", 64, 64, frames=5)
    run(pipeline, case, 1, text(case.model, tiny=True, device="cpu", dtype=torch.float32), 2)
    assert len(graphs) == 1


@pytest.mark.parametrize(("fault", "stops"), [("compiler", False), ("memory", False), ("weights", True)])
def test_only_damaged_weights_stop_a_worker_that_warms_up(
    weights: Path, fault: str, *, stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pipeline(**told: Any) -> Any:
        if fault == "compiler":
            raise RuntimeError("the compiler failed")
        if fault == "memory":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return StableDiffusionXLPipelineOutput(images=np.full((1, told["height"], told["width"], 3), np.nan))

    monkeypatch.setenv("KINORA_WEIGHTS", str(weights))
    loaded = sdxl.Sdxl()
    loaded.load()
    monkeypatch.setattr(loaded._runner, "_on_gpu", True)
    monkeypatch.setattr(loaded._runner, "_tiles", [])
    monkeypatch.setattr(loaded._runner, "pipeline", pipeline)
    monkeypatch.setattr(sdxl, "load_runner", lambda *_: loaded._runner)
    with pytest.raises(WeightsUnavailable, match="damaged") if stops else nullcontext():
        loaded.load()


def test_too_little_memory_is_retried_with_smaller_tiles(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, loaded = engine
    vae = loaded._runner.pipeline.vae
    decode, tiles = vae.decode, []

    def too_small_gpu(*arguments: Any, **options: Any) -> Any:
        tiles.append(vae.use_tiling)
        if not vae.use_tiling:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return decode(*arguments, **options)

    monkeypatch.setattr(vae, "decode", too_small_gpu)
    monkeypatch.setattr(loaded._runner, "_tiles", [128])
    request = request_of(entry, tmp_path)
    quiet = Workspace(tmp_path, fetch=Path, progress=lambda _: None)
    with pytest.raises(StageFailure) as failed:
        loaded.run(request, quiet)
    assert (failed.value.code, failed.value.retryable) == ("out_of_memory", True)
    assert loaded.run(request, quiet).outputs
    assert tiles == [False, True]
    vae.disable_tiling()
    with pytest.raises(StageFailure) as failed:
        loaded.run(request, quiet)
    assert not failed.value.retryable, "no smaller tiles are left"


@pytest.mark.parametrize("engine", [one for one in GPU_ENGINES if one.stage is Stage.MOTION_TRANSFER], indirect=True)
def test_the_driving_clip_decides_the_motion(engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, loaded = engine
    request, given = request_of(entry, tmp_path), list[Any]()
    run = loaded._runner.run

    def noted(told: Any, **others: Any) -> Any:
        given.append(told)
        return run(told, **others)

    monkeypatch.setattr(loaded._runner, "run", noted)
    moving = Run(tmp_path / "moving").made_by(loaded, request)
    assert moving.metrics["droppedAxes"] == ["dolly"]
    driving_clip(tmp_path / "driving.mp4", seconds=3, shift=lambda _: (0, 0))
    still = Run(tmp_path / "still").made_by(loaded, request)
    assert still.outputs[0].path.read_bytes() != moving.outputs[0].path.read_bytes()
    depths = [np.stack([np.asarray(frame, np.int16) for frame in told["video"]]) for told in given]
    for told, frames in zip(given, depths, strict=True):
        assert frames.shape == (told["num_frames"], told["height"], told["width"], 3)
        assert np.ptp(frames, axis=3).max() == 0, "depth is grey"
    assert np.abs(np.diff(depths[0], axis=0)).mean() > 3 * np.abs(np.diff(depths[1], axis=0)).mean()

    driving_clip(tmp_path / "driving.mp4", seconds=1)
    with pytest.raises(StageFailure) as failed:
        Run(tmp_path / "short").made_by(loaded, request)
    assert failed.value.code == "driving_clip_too_short"


def test_the_matrices_turn_as_the_models_own_actions() -> None:
    """SANA-WM's keys: w forward, d right, l turns right, i turns up. `s`, `a`, `j` and `k` are their opposites."""
    for key, pose in {
        "w": Pose(dolly=1), "s": Pose(dolly=-1), "d": Pose(truck=1), "a": Pose(truck=-1),
        "l": Pose(pan=1), "j": Pose(pan=-1), "i": Pose(tilt=1), "k": Pose(tilt=-1),
    }.items():  # fmt: skip
        theirs = action_string_to_c2w(f"{key}-1")[1] - np.eye(4)
        ours = camera_matrices([Pose(), pose], 1280, 704)[0][1] - np.eye(4)
        moved = np.abs(theirs) > 0.01
        np.testing.assert_array_equal(np.sign(ours[moved]), np.sign(theirs[moved]), err_msg=key)
        assert moved.any()
        assert np.abs(ours[~moved]).max() < 0.02, key


def test_an_fp8_layer_is_near_its_linear_layer() -> None:
    torch.manual_seed(1)
    linear, given = torch.nn.Linear(64, 32).bfloat16(), torch.randn(2, 5, 64).bfloat16()
    exact, near = linear(given), Fp8Linear(linear)(given)
    assert near.shape == exact.shape
    assert ((near - exact).norm() / exact.norm()).item() < 0.05


def test_weights_with_a_condition_need_consent(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_WEIGHTS", str(weights))
    monkeypatch.setenv("KINORA_ACCEPTED_LICENCES", "")
    assert WEIGHTS["sana-wm"].condition
    with pytest.raises(WeightsUnavailable, match="KINORA_ACCEPTED_LICENCES"):
        sana_wm.SanaWm().load()
