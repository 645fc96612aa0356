from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from shared.stages.requests import ImageGenerationJob
from shared.stages.stages import STAGES, Role, Stage
from shared.vocabulary.words import Place, Style
from tests.support.variants import few_quick
from workers.engines.contract import StageResult, Stopped, Workspace
from workers.engines.image_generation.procedural import Procedural
from workers.media import pictures
from workers.media.scenery import Scenery
from workers.painter.painting import Painting, paint
from workers.painter.reading import read


def _run(
    folder: Path, prompt: str, *, seed: int = 7, style: str | None = None, size: tuple[int, int] = (160, 90),
    progress: Callable[[float], None] = lambda _: None,
) -> StageResult:  # fmt: skip
    folder.mkdir(exist_ok=True)
    request = ImageGenerationJob(
        job_id="job_1", user_id="usr_1", prompt=prompt, style=style, aspect_ratio="16:9",
        width=size[0], height=size[1], seed=seed,
    )  # fmt: skip
    return Procedural().run(request, Workspace(folder, fetch=Path, progress=progress))


@cache
def _painting(prompt: str, width: int = 128, height: int = 72, seed: int = 3) -> Painting:
    return paint(read(prompt, None, seed), width, height)


def _apart(a: Painting, b: Painting) -> float:
    return float(np.abs(a.rgb.astype(int) - b.rgb.astype(int)).mean())


def test_the_engine_writes_the_outputs_of_its_stage(tmp_path: Path) -> None:
    result = _run(tmp_path, "a lighthouse at dusk", size=(150, 86))
    spec, files = STAGES[Stage.IMAGE_GENERATION], {output.role: output.path for output in result.outputs}
    assert files.keys() == spec.produces | spec.on_request
    picture, depth = (cv2.imread(str(files[role]), cv2.IMREAD_UNCHANGED) for role in (Role.PICTURE, Role.DEPTH))
    assert picture is not None
    assert picture.shape == (86, 150, 3)
    assert picture.dtype == np.uint8
    assert depth is not None
    assert depth.shape == (86, 150)
    assert depth.dtype == np.uint16
    assert depth.max() == 65535
    assert result.metrics["understood"] == ["lighthouse", "dusk"]
    assert result.metrics["place"] == "coast"
    assert result.metrics["timeOfDay"] == "sunset"


def test_the_scenery_is_the_decomposed_picture(tmp_path: Path) -> None:
    result = _run(tmp_path, "tropical island at noon", seed=3, size=(480, 270))
    files = {output.role: output.path for output in result.outputs}
    picture = pictures.read(files[Role.PICTURE])
    scenery = Scenery.load(files[Role.SCENERY])
    palms = [flat for flat in scenery.flats if flat.rgba.shape[0] > 100]
    assert len(palms) == 4
    assert np.array_equal(scenery.picture(), picture)
    assert [flat.nearness for flat in scenery.flats] == sorted(flat.nearness for flat in scenery.flats)
    hidden = []
    for flat in palms[:-1]:
        rows, columns = flat.rgba.shape[:2]
        shown = picture[flat.top : flat.top + rows, flat.left : flat.left + columns].astype(int)
        other = np.abs(shown - flat.rgba[..., :3]).max(axis=2) > 40
        hidden.append(flat.rgba[..., :3][other & (flat.rgba[..., 3] == 255)])
    red, green, blue = np.concatenate(hidden).astype(int).T
    assert len(green) > 50, "hidden parts of a palm are painted"
    assert ((green > red) & (green > blue)).mean() > 0.9, "the hidden parts are green and not sky"


def test_a_picture_without_upright_objects_has_no_scenery(tmp_path: Path) -> None:
    outputs = _run(tmp_path, "icebergs at noon").outputs
    assert {output.role for output in outputs} == STAGES[Stage.IMAGE_GENERATION].produces


def test_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    first = _run(tmp_path / "a", "neon city in the rain")
    second = _run(tmp_path / "b", "neon city in the rain")
    for one, other in zip(first.outputs, second.outputs, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()


def test_another_seed_or_another_unknown_sentence_gives_another_picture() -> None:
    first = _painting("a dragon eating soup")
    assert _apart(first, _painting("a dragon eating soup", seed=4)) > 8
    assert _apart(first, _painting("a teapot arguing with a duke")) > 8


def test_the_engine_stops_when_progress_raises(tmp_path: Path) -> None:
    def stop_later(done: float) -> None:
        if done > 0.5:
            raise Stopped

    with pytest.raises(Stopped):
        _run(tmp_path, "mountains", progress=stop_later)


def test_progress_rises_to_one(tmp_path: Path) -> None:
    reported: list[float] = []
    _run(tmp_path, "canyon", progress=reported.append)
    assert reported == sorted(reported)
    assert reported[-1] == 1.0
    assert len(reported) >= 4


@pytest.mark.parametrize("place", few_quick([place for place in Place if place is not Place.SPACE], 5))
def test_every_place_has_far_sky_above_and_near_ground_below(place: Place) -> None:
    painting = _painting(f"{place} at noon, clear sky")
    height = painting.nearness.shape[0]
    top, middle, bottom = (painting.nearness[rows].mean() for rows in (0, int(height * 0.75), height - 2))
    assert (painting.nearness[: height // 4] == 0).mean() > 0.02  # a street leaves only a strip
    assert top < middle < bottom
    assert painting.rgb.std() > 12  # not one flat colour


@pytest.mark.parametrize(
    ("place", "size"),
    few_quick([(place, ((64, 64), (64, 150), (240, 103))[n % 3]) for n, place in enumerate(Place)], 6),
)
def test_any_shape_can_be_painted(place: Place, size: tuple[int, int]) -> None:
    painting = _painting(f"{place} storm", *size)
    assert painting.rgb.shape == (size[1], size[0], 3)
    assert painting.nearness.max() == 65535


@pytest.mark.parametrize("style", list(Style))
def test_every_style_is_visible(style: Style) -> None:
    plain = _painting("a lake at noon", 160, 90)
    other = paint(read("a lake at noon", style, 3), 160, 90)
    assert other.rgb.std() > 8
    if style is Style.NOIR:
        channels = other.rgb.astype(int)
        assert np.abs(channels[..., 0] - channels[..., 2]).mean() < 12
    if style is not Style.PHOTOGRAPHIC:
        assert _apart(plain, other) > 5


def test_outlines_in_depth_and_picture_coincide() -> None:
    painting = _painting("a lighthouse at dusk, clear", 480, 270)
    sky = painting.nearness == 0
    edge = sky[:-1] & ~sky[1:]
    steps = np.abs(np.diff(painting.rgb.astype(int), axis=0)).sum(axis=2)
    window = np.maximum(np.maximum(steps, np.roll(steps, 1, axis=0)), np.roll(steps, -1, axis=0))
    assert edge.any()
    assert np.median(window[edge]) > 4 * max(1.0, float(np.median(steps[sky[:-1] & sky[1:]])))


def test_night_is_darker_than_day() -> None:
    assert _painting("meadow at night").rgb.mean() < 0.6 * _painting("meadow at noon").rgb.mean()


def test_a_sky_has_no_bands() -> None:
    """Dither hides the steps of 8 bits: neighbouring rows of a smooth sky differ."""
    sky = _painting("desert at dawn, clear sky", 320, 180).rgb[:60].astype(int)
    assert (np.abs(np.diff(sky, axis=0)).sum(axis=(1, 2)) > 0).all()
    assert np.unique(sky[10, :, 0]).size >= 3
