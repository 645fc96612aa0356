"""Signed manifests of films, read with the reader of the C2PA library."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import c2pa  # type: ignore[import-untyped]  # the library has no types
import pytest
from PIL import Image

import local.keys
from local.imitation.pictures import sound_of
from local.keys import provenance
from shared.core.clock import utc_now
from shared.stages.operations import OPERATIONS, parse
from shared.stages.requests import Ingredient, PostProcessingJob
from shared.stages.stages import Role
from tests.unit.workers.media.test_codecs import write_clip
from workers.engines.contract import StageResult, Workspace
from workers.engines.post_processing.finish import Finish
from workers.media.boxes import boxes
from workers.media.codecs import read_planes
from workers.provenance.manifest import definition, source_type
from workers.provenance.signer import CannotSign, Signer

PAINTED = Ingredient(role=Role.PICTURE, url="picture.png", engine="procedural")
BROUGHT = Ingredient(role=Role.PICTURE, url="picture.png")
FILMED = Ingredient(role=Role.CLIP, url="clip.mp4", engine="parallax")
DRIVING = Ingredient(role=Role.DRIVING, url="clip.mp4")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return provenance(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    write_clip(tmp_path / "clip.mp4", frames=12, fps=24, size=(320, 180))
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "picture.png")
    return tmp_path


def finished(sources: Path, keys: dict[str, str] | None, *ingredients: Ingredient, name: str = "work") -> StageResult:
    engine = Finish()
    if keys:
        engine.sign_with(Signer(keys["provenance-signing-key"], keys["provenance-certificates"]))
    request = PostProcessingJob(
        job_id="job_1",
        user_id="usr_1",
        video_url="clip.mp4",
        operations=("grade:noir", "fade", "av1"),
        width=320,
        height=180,
        seed=5,
        ingredients=ingredients,
    )
    (sources / name).mkdir()
    return engine.run(request, Workspace(sources / name, sources.joinpath, lambda _: None))


def files(result: StageResult) -> dict[Role, Path]:
    return {output.role: output.path for output in result.outputs}


def validated(path: Path, media_type: str, keys: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """Return the validation state of a reader that trusts the laptop's authority, and the manifest."""
    authority = keys["provenance-certificates"].partition("-----END CERTIFICATE-----\n")[2]
    trust = {"user_anchors": authority, "trust_config": "1.3.6.1.5.5.7.3.4"}
    context = c2pa.Context.from_dict({"trust": trust, "verify": {"remote_manifest_fetch": False}})
    with path.open("rb") as file, c2pa.Reader(media_type, file, context=context) as reader:
        return reader.get_validation_state(), reader.get_active_manifest()


def actions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    [assertion] = [one for one in manifest["assertions"] if one["label"] == "c2pa.actions.v2"]
    found: list[dict[str, Any]] = assertion["data"]["actions"]
    return found


@pytest.mark.parametrize(
    ("role", "media_type"), [(Role.VIDEO, "video/mp4"), (Role.AV1, "video/mp4"), (Role.POSTER, "image/jpeg")]
)
def test_a_delivered_file_is_signed_and_declared_as_generated(
    sources: Path, keys: dict[str, str], role: Role, media_type: str
) -> None:
    result = finished(sources, keys, BROUGHT, DRIVING, FILMED)
    state, manifest = validated(files(result)[role], media_type, keys)
    assert state == "Trusted"
    assert result.metrics["signed"] is True
    created, placed, graded, faded = actions(manifest)
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"].endswith("/compositeSynthetic")
    assert (placed["action"], len(placed["parameters"]["ingredients"])) == ("c2pa.placed", 2)
    assert (graded["description"], faded["description"]) == ("grade:noir", "fade:both")
    relationships = {one["title"]: one["relationship"] for one in manifest["ingredients"]}
    assert relationships == {
        "picture of the creator": "componentOf",
        "driving of the creator": "inputTo",
        "clip by parallax": "componentOf",
    }
    assert "sha256 " in json.dumps(manifest["ingredients"])


def test_the_sound_of_a_provider_is_an_ingredient(sources: Path, keys: dict[str, str]) -> None:
    (sources / "sound.mp3").write_bytes(sound_of(1))
    heard = Ingredient(role=Role.AUDIO, url="sound.mp3", engine="elevenlabs-music")
    result = finished(sources, keys, PAINTED, FILMED, heard)
    state, manifest = validated(files(result)[Role.VIDEO], "video/mp4", keys)
    assert (state, result.metrics["signed"]) == ("Trusted", True)
    assert "audio by elevenlabs-music" in {one["title"] for one in manifest["ingredients"]}


def test_an_ingredient_of_an_unknown_type_stops_no_film(sources: Path, keys: dict[str, str]) -> None:
    (sources / "sound.wav").write_bytes(b"RIFF")
    result = finished(sources, keys, PAINTED, Ingredient(role=Role.AUDIO, url="sound.wav"))
    assert (Role.VIDEO in files(result), result.metrics["signed"]) == (True, False)


def test_a_film_that_was_changed_after_signing_is_invalid(sources: Path, keys: dict[str, str]) -> None:
    film = files(finished(sources, keys, PAINTED))[Role.VIDEO]
    [pictures] = [box for box in boxes(film) if box.kind == "mdat"]
    changed = bytearray(film.read_bytes())
    changed[pictures.offset + pictures.size // 2] ^= 1
    film.write_bytes(changed)
    assert validated(film, "video/mp4", keys)[0] == "Invalid"


def test_signing_leaves_pictures_and_faststart_as_they_are(sources: Path, keys: dict[str, str]) -> None:
    one, two, plain = (
        files(finished(sources, own, PAINTED, name=name))[Role.VIDEO]
        for name, own in (("one", keys), ("two", keys), ("plain", None))
    )
    kinds = [box.kind for box in boxes(one)]
    assert kinds.index("uuid") < kinds.index("moov") < kinds.index("mdat")
    encoded = [
        film.read_bytes()[box.offset : box.offset + box.size]
        for film in (one, two, plain)
        for box in boxes(film)
        if box.kind == "mdat"
    ]
    assert encoded[0] == encoded[1] == encoded[2]
    assert len(list(read_planes(one))) == 12


def test_films_are_unsigned_without_a_certificate(sources: Path) -> None:
    result = finished(sources, None, PAINTED)
    assert result.metrics["signed"] is False
    with pytest.raises(c2pa.C2paError, match="ManifestNotFound"), files(result)[Role.VIDEO].open("rb") as film:
        c2pa.Reader("video/mp4", film)


def expired(folder: Path) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local.keys, "utc_now", lambda: utc_now() - timedelta(days=5000))
        return provenance(folder)


@pytest.mark.parametrize("fault", ["no key", "no certificate", "another key", "reversed chain", "expired"])
def test_a_bad_certificate_does_not_sign(tmp_path: Path, keys: dict[str, str], fault: str) -> None:
    key, chain = keys["provenance-signing-key"], keys["provenance-certificates"]
    own, _, issuer = chain.partition("-----END CERTIFICATE-----\n")
    bad = {
        "no key": ("no key", chain),
        "no certificate": (key, "no certificate"),
        "another key": (provenance(tmp_path / "another")["provenance-signing-key"], chain),
        "reversed chain": (key, issuer + own + "-----END CERTIFICATE-----\n"),
        "expired": tuple(expired(tmp_path / "expired").values()),
    }
    with pytest.raises(CannotSign):
        Signer(*bad[fault])


def test_a_certificate_that_expires_while_the_worker_runs_stops_no_film(
    sources: Path, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise CannotSign("the certificate was not valid at time of signing")

    monkeypatch.setattr(Signer, "sign", refuse)
    result = finished(sources, keys, PAINTED)
    assert result.metrics["signed"] is False
    assert len(list(read_planes(files(result)[Role.VIDEO]))) == 12


@pytest.mark.parametrize(
    ("ingredients", "term"),
    [
        ((PAINTED, FILMED), "algorithmicMedia"),
        ((FILMED,), "algorithmicMedia"),
        ((BROUGHT, FILMED), "compositeSynthetic"),
    ],
)
def test_the_source_type_follows_from_the_ingredients(ingredients: tuple[Ingredient, ...], term: str) -> None:
    assert source_type(ingredients).rpartition("/")[2] == term


def test_every_operation_that_changes_pictures_is_an_action() -> None:
    without_action = {
        str(operation)
        for operation in parse(OPERATIONS).values()
        if len(definition("film", "video/mp4", (), [operation], captions=False)["assertions"][0]["data"]["actions"])
        == 1
    }
    assert without_action == {"av1", "gif"}


def test_the_manifest_names_the_operation_that_a_trained_model_did() -> None:
    [created, resized, graded] = definition(
        "film", "video/mp4", (), parse(["upscale:2", "grade"]).values(), captions=False, by_model={"upscale"}
    )["assertions"][0]["data"]["actions"]
    assert created["digitalSourceType"].endswith("/algorithmicMedia")
    assert resized["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert "digitalSourceType" not in graded
