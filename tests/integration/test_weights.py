"""Weights are downloaded from a hub on loopback, checked, uploaded to S3, and loaded from there."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from shared.aws.clients import s3
from tests.support.studio import Studio
from tools.weights import fetch
from workers.diffusion import model_folder
from workers.diffusion.model_folder import WeightsUnavailable

NAME, REPOSITORY, REVISION = "sdxl", "stabilityai/stable-diffusion-xl-base-1.0", "0123abcd"
TENSORS = b"tensors" * 1000
FILES = {
    "model_index.json": b"{}",
    "unet/config.json": b'{"sample_size": 128}',
    "unet/model.safetensors": TENSORS,
    "unet/model.fp16.safetensors": b"another precision",
    "unet/model.bin": b"a pickle",
    "sd_xl_base_1.0.safetensors": b"for other programs",
}
LOADED = ("model_index.json", "unet/config.json", "unet/model.safetensors")
BUCKET = "weights-of-an-operator"


class Hub(BaseHTTPRequestHandler):
    """The hub's list of a revision, and its files. A large file is in `lfs`, and its bytes are elsewhere."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        prefix = f"/{REPOSITORY}/resolve/{REVISION}/"
        if path in {f"/api/models/{REPOSITORY}/revision/{name}" for name in ("main", REVISION)}:
            self._answer(json.dumps({"sha": REVISION, "siblings": [sibling(name) for name in FILES]}).encode())
        elif path == f"{prefix}unet/model.safetensors":
            self.send_response(302)
            self.send_header("Location", "/bytes/unet/model.safetensors")
            self.end_headers()
        else:
            self._answer(FILES[path.removeprefix(prefix).removeprefix("/bytes/")])

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def sibling(name: str) -> dict[str, object]:
    body = FILES[name] if name != "unet/model.safetensors" else TENSORS
    git = hashlib.sha1(f"blob {len(body)}\0".encode() + body, usedforsecurity=False).hexdigest()
    large = {"lfs": {"sha256": hashlib.sha256(body).hexdigest()}} if name.endswith(".safetensors") else {}
    return {"rfilename": name, "size": len(body), "blobId": git, **large}


@contextmanager
def serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with serving() as address:
        yield address


def test_weights_go_from_the_hub_through_s3_to_a_worker(
    hub: str, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    s3().create_bucket(Bucket=BUCKET)
    fetch(NAME, f"s3://{BUCKET}/models", base=hub, revisions=tmp_path / "revisions")
    assert "CreativeML Open RAIL++-M" in capsys.readouterr().out
    monkeypatch.setenv("KINORA_WEIGHTS", f"s3://{BUCKET}/models")
    monkeypatch.setattr(model_folder, "gettempdir", lambda: str(tmp_path))
    folder = model_folder.model_folder(NAME)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {*LOADED, "weights.json"}
    assert (folder / "unet/model.safetensors").read_bytes() == TENSORS

    s3().put_object(Bucket=BUCKET, Key=f"models/{NAME}/unet/model.safetensors", Body=TENSORS[::-1])
    assert model_folder.model_folder(NAME) == folder, "a complete file is not downloaded again"
    (folder / "unet/model.safetensors").unlink()
    with pytest.raises(WeightsUnavailable, match="differs from its hash"):
        model_folder.model_folder(NAME)


def test_a_file_that_is_not_the_listed_one_is_refused(
    hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FILES, "unet/model.safetensors", TENSORS[::-1])
    with pytest.raises(WeightsUnavailable, match="differs from the hub's list"):
        fetch(NAME, str(tmp_path), base=hub, revisions=tmp_path / "revisions")
    monkeypatch.setenv("KINORA_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsUnavailable, match=r"no weights\.json"):
        model_folder.model_folder(NAME)


def test_later_downloads_have_the_hashes_of_the_first(
    hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(NAME, str(tmp_path), base=hub, revisions=tmp_path / "revisions")
    fetch(NAME, str(tmp_path), base=hub, revisions=tmp_path / "revisions")
    monkeypatch.setitem(FILES, "model_index.json", b"[]")  # the hub's list changes with it
    with pytest.raises(WeightsUnavailable, match="an earlier download"):
        fetch(NAME, str(tmp_path), base=hub, revisions=tmp_path / "revisions")


def test_a_single_model_has_its_files_beside_each_other(
    hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        f"{__name__}.FILES", {"config.json": b"{}", "model.safetensors": TENSORS, "model.bin": b"pickle"}
    )
    fetch(NAME, str(tmp_path), base=hub, revisions=tmp_path / "revisions")
    assert {path.name for path in (tmp_path / NAME).iterdir()} == {"config.json", "model.safetensors", "weights.json"}


def test_a_licence_with_a_condition_needs_consent(hub: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="Commercial use is not allowed"):
        fetch("flux2-klein-9b", str(tmp_path), base=hub, revisions=tmp_path)


def test_a_manifest_cannot_name_a_file_outside_its_folder() -> None:
    with pytest.raises(WeightsUnavailable, match="outside"):
        model_folder.files_of({"files": {"../elsewhere": {}}})
