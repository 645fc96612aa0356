"""The subject of a picture, with the trained models and without them."""

import cv2
import numpy as np
import pytest

from local.environment import MODELS
from workers.media import models
from workers.media.depth import estimate
from workers.media.planes import Bytes, as_bytes
from workers.media.saliency import salient_point
from workers.media.subject import PictureSubject

with_models = pytest.mark.skipif(not MODELS.is_dir(), reason="`make models` installs the models")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_MODELS", str(MODELS))


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KINORA_MODELS", raising=False)


def flower() -> Bytes:
    """Return an orange flower with ten petals, left of the middle, before soft green leaves."""
    rng = np.random.default_rng(3)
    leaves = np.dstack([rng.integers(0, high, (300, 480)) for high in (60, 140, 80)]).astype(np.uint8)
    picture = as_bytes(cv2.GaussianBlur(leaves, (0, 0), 9))
    for turn in np.linspace(0, 2 * np.pi, 10, endpoint=False):
        at = round(170 + 45 * np.cos(turn)), round(150 + 45 * np.sin(turn))
        cv2.circle(picture, at, 30, (250, 150, 60), -1, cv2.LINE_AA)
    cv2.circle(picture, (170, 150), 30, (190, 80, 20), -1, cv2.LINE_AA)
    return picture


@with_models
def test_the_matte_of_an_object_gives_its_middle_and_its_box(installed: None) -> None:
    subject = PictureSubject.of(flower(), np.zeros((4, 4), np.float32))
    assert subject.decisive
    assert subject.focal_point == pytest.approx((170 / 480, 0.5), abs=0.03)
    assert subject.box == pytest.approx((95 / 480, 75 / 300, 245 / 480, 225 / 300), abs=0.05)


@with_models
def test_a_plain_picture_has_no_object(installed: None) -> None:
    subject = PictureSubject.of(np.full((90, 160, 3), 120, np.uint8), np.zeros((4, 4), np.float32))
    assert subject.matte is None
    assert not subject.faces
    assert subject.focal_point == (0.5, 0.5)


def test_without_models_the_subject_is_the_salient_point(missing: None) -> None:
    picture = flower()
    subject = PictureSubject.of(picture, estimate(picture))
    assert subject.focal_point == salient_point(picture, estimate(picture))
    assert (subject.matte, subject.decisive, subject.faces, subject.kept) == (None, False, (), None)


def test_weights_that_cannot_be_read_count_as_missing(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("models")
    (folder / models.table()["matte"]["file"]).write_bytes(b"no weights")
    monkeypatch.setenv("KINORA_MODELS", str(folder))
    assert models.load("matte") is None
    assert models.load("faces") is None
