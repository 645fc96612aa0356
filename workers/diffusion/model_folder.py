"""The folder of a model's weights: on a disk, or downloaded from S3 once. Never from a hub at run time."""

import hashlib
import json
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from boto3.s3.inject import download_file

from shared.aws.clients import s3
from shared.core.config import Config
from shared.stages.weights import WEIGHTS, Weights

MANIFEST = "weights.json"
"""The file beside the weights that `make weights` writes: repository, revision, licence, and each file's hash."""


class WeightsUnavailable(Exception):
    """The error of weights that are missing, damaged, or not allowed; the message contains the reason."""


class WeightsConfig(Config):
    """The place of the weights, and the licences with a condition that the operator accepts."""

    weights: str = ""  # a folder, or s3://bucket/prefix, with a folder for each name of `WEIGHTS`
    accepted_licences: str = ""  # names of `WEIGHTS`, separated by commas


def check_licence(name: str) -> Weights:
    """Return the weights' entry. Raise WeightsUnavailable unless anyone, or this operator, may use them."""
    entry = WEIGHTS[name]
    accepted = {each.strip() for each in WeightsConfig().accepted_licences.split(",")}
    if entry.condition and name not in accepted:
        raise WeightsUnavailable(
            f"The licence of {name} ({entry.licence}, {entry.licence_url}) has a condition: {entry.condition} "
            f"If it allows your use, add {name} to KINORA_ACCEPTED_LICENCES."
        )
    return entry


def model_folder(name: str) -> Path:
    """Return the folder of the model's weights. Raise WeightsUnavailable if they are missing, damaged or refused."""
    check_licence(name)
    place = WeightsConfig().weights
    if not place:
        raise WeightsUnavailable("KINORA_WEIGHTS must name the folder of the weights, or s3://bucket/prefix.")
    if not place.startswith("s3://"):
        folder = Path(place) / name
        _check(folder)
        return folder
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    folder = Path(gettempdir()) / "kinora-weights" / name
    _download(bucket, "/".join(part for part in (prefix.strip("/"), name) if part), folder)
    return folder


def files_of(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the manifest's files by relative path. Raise WeightsUnavailable if a path leaves the folder."""
    files: dict[str, dict[str, Any]] = manifest["files"]
    for path in files:
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise WeightsUnavailable(f"The manifest names {path}, which is outside the folder.")
    return files


def sha256_of(path: Path) -> str:
    """Return the file's SHA-256 as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(folder: Path) -> None:
    """Raise WeightsUnavailable unless every file of the manifest is there in its size.

    Hashes are checked where the files are downloaded: hashing 15 GB would add half a minute to each start.
    """
    if not (folder / MANIFEST).is_file():
        raise WeightsUnavailable(f"{folder} has no {MANIFEST}. `make weights` makes it.")
    for path, expected in files_of(json.loads((folder / MANIFEST).read_text())).items():
        if not (folder / path).is_file() or (folder / path).stat().st_size != expected["bytes"]:
            raise WeightsUnavailable(f"{folder / path} is missing or incomplete.")


def _download(bucket: str, prefix: str, folder: Path) -> None:
    """Download the manifest and its files. A file in its size is not downloaded again, after a worker's restart."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / MANIFEST
    download_file(s3(), bucket, f"{prefix}/{MANIFEST}", str(manifest))
    for path, expected in files_of(json.loads(manifest.read_text())).items():
        target = folder / path
        if target.is_file() and target.stat().st_size == expected["bytes"]:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        download_file(s3(), bucket, f"{prefix}/{path}", str(part))
        if sha256_of(part) != expected["sha256"]:
            part.unlink()
            raise WeightsUnavailable(f"s3://{bucket}/{prefix}/{path} differs from its hash in {MANIFEST}.")
        part.replace(target)
