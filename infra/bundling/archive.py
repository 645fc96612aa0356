"""Reproducible zip archives: the same contents give the same bytes. The digest of the sources is part of the name."""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that the zip format can store


@dataclass(frozen=True, slots=True)
class Archive:
    """A finished archive. `bytes` is its unpacked size, which Lambda limits."""

    path: Path
    digest: str
    bytes: int
    bytecode: bool


def digest(*parts: bytes) -> str:
    """Return one digest of all parts in this order."""
    whole = sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()[:32]


def archive(folder: str, name: str, key: str, fill: Callable[[Path], bool]) -> Archive:
    """Return the archive `build/<folder>/<name>-<key>.zip`; build it if it is missing.

    `fill` writes the contents into an empty folder and returns whether they contain bytecode.
    """
    path = BUILD / folder / f"{name}-{key}.zip"
    facts = path.with_suffix(".json")
    if not (path.exists() and facts.exists()):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as made:
            contents = Path(made, "contents")
            contents.mkdir()
            bytecode = fill(contents)
            draft = Path(made, "draft.zip")
            size = _zip(contents, draft)
            draft.replace(path)
            Path(made, "facts").write_text(json.dumps({"bytes": size, "bytecode": bytecode}))
            Path(made, "facts").replace(facts)
    return Archive(path, key, **json.loads(facts.read_text()))


def _zip(contents: Path, target: Path) -> int:
    size = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as bundle:
        for file in sorted(path for path in contents.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(contents).as_posix(), _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            with file.open("rb") as source, bundle.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink)
            size += file.stat().st_size
    return size
