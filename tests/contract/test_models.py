"""The weights of models: installed as data, checked by SHA-256, in the images, and documented with their licences."""

from hashlib import sha256
from pathlib import Path

import pytest

from local import environment
from local.environment import MODELS, ROOT
from shared.stages.engines import Family
from tools.models import TABLE, WrongWeights, install
from workers.media.models import table


def test_other_weights_are_refused(tmp_path: Path) -> None:
    for model in table().values():
        (tmp_path / model["file"]).write_bytes(b"other weights")
    with pytest.raises(WrongWeights, match="SHA-256"):
        install(tmp_path)


@pytest.mark.skipif(not MODELS.is_dir(), reason="`make models` installs the models")
def test_the_installed_weights_are_those_of_the_table() -> None:
    for model in table().values():
        assert sha256((MODELS / model["file"]).read_bytes()).hexdigest() == model["sha256"]


def test_the_licence_of_each_model_is_documented() -> None:
    page = (ROOT / "docs" / "models.md").read_text()
    for name, model in table().items():
        assert f"| {name} | `{model['file']}` |" in page
        assert model["licence"] in page


@pytest.mark.parametrize("family", Family)
def test_each_worker_image_installs_the_models(family: Family) -> None:
    text = (ROOT / "workers" / "images" / family / "Dockerfile").read_text()
    assert str(TABLE.relative_to(ROOT)) in text
    assert "-m tools.models /opt/models" in text
    assert "COPY --from=packages /opt/models /opt/models" in text
    assert "KINORA_MODELS=/opt/models" in text


def test_the_laptop_cloud_names_the_models_if_they_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "MODELS", tmp_path / "missing")
    assert environment.models() == {}
    monkeypatch.setattr(environment, "MODELS", tmp_path)
    assert environment.models() == {"KINORA_MODELS": str(tmp_path)}
