"""`python -m tools.weights NAME --to PLACE`: download a model's weights, check their hashes, and put them where workers
load them. PLACE is a folder or s3://bucket/prefix, as in KINORA_WEIGHTS.

The hub's list of a revision has the hash of each file. The first download writes it to workers/diffusion/revisions/,
which belongs into the repository. Later downloads must have the same revision and hashes.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import httpx

from shared.stages.weights import WEIGHTS, Weights
from workers.diffusion.model_folder import MANIFEST, WeightsUnavailable, check_licence, files_of

HUB = "https://huggingface.co"
REVISIONS = Path("workers/diffusion/revisions")
_WANTED = (".json", ".safetensors", ".model", ".txt", ".jinja")  # no pickles, which can run code
_CHUNK = 8 << 20  # bytes


def listing(client: httpx.Client, entry: Weights, revision: str) -> dict[str, Any]:
    """Return the manifest of a revision: the files that a pipeline loads, each with its size and hash at the hub."""
    found = client.get(f"/api/models/{entry.repository}/revision/{revision}", params={"blobs": "true"})
    found.raise_for_status()
    body = found.json()
    files = {}
    is_pipeline = any(each["rfilename"] == "model_index.json" for each in body["siblings"])
    for each in body["siblings"]:
        path = Path(each["rfilename"])
        # Beside the folders of a pipeline are files for other programs. A single model has no folders.
        is_read = len(path.parts) == (2 if is_pipeline else 1) or path.name == "model_index.json"
        if is_read and path.suffix in _WANTED and ".fp16." not in path.name:
            large = each.get("lfs")
            files[each["rfilename"]] = {
                "bytes": each["size"],
                **({"sha256": large["sha256"]} if large else {"git": each["blobId"]}),
            }
    return {
        "repository": entry.repository,
        "revision": body["sha"],
        "licence": entry.licence,
        "files": dict(sorted(files.items())),
    }


def download(client: httpx.Client, manifest: dict[str, Any], folder: Path) -> None:
    """Download the manifest's files, and add the SHA-256 of each. Raise WeightsUnavailable if one differs."""
    for path, expected in files_of(manifest).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        sha256, git = hashlib.sha256(), hashlib.sha1(f"blob {expected['bytes']}\0".encode(), usedforsecurity=False)
        url = f"/{manifest['repository']}/resolve/{manifest['revision']}/{path}"
        with client.stream("GET", url, follow_redirects=True) as answer, target.open("wb") as file:
            answer.raise_for_status()
            for chunk in answer.iter_bytes(_CHUNK):
                file.write(chunk)
                sha256.update(chunk)
                git.update(chunk)
        found: dict[str, Any] = {"bytes": target.stat().st_size, "sha256": sha256.hexdigest(), "git": git.hexdigest()}
        if any(found[name] != value for name, value in expected.items()):
            target.unlink()
            raise WeightsUnavailable(f"{path} differs from the hub's list.")
        expected["sha256"] = found["sha256"]
        print(f"  {path}: {found['bytes'] / 2**20:.1f} MiB")


def publish(folder: Path, manifest: dict[str, Any], place: str, name: str) -> None:
    """Write the manifest and, if `place` is in S3, upload all files. The manifest is last: it means "complete"."""
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    if place.startswith("s3://"):
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        for path in (*manifest["files"], MANIFEST):
            key = "/".join(part for part in (prefix.strip("/"), name, path) if part)
            boto3.client("s3").upload_file(str(folder / path), bucket, key)


def fetch(name: str, place: str, *, base: str = HUB, revision: str = "main", revisions: Path = REVISIONS) -> None:
    """Do all of it for one model. Raise WeightsUnavailable if its licence or a hash refuses it."""
    entry = check_licence(name)
    print(f"{name}: {entry.licence} ({entry.licence_url})")
    lock = revisions / f"{name}.json"
    locked = json.loads(lock.read_text()) if lock.exists() else None
    with httpx.Client(base_url=base, timeout=60) as client, TemporaryDirectory() as scratch:
        manifest = listing(client, entry, locked["revision"] if locked else revision)
        folder = Path(scratch) if place.startswith("s3://") else Path(place) / name
        folder.mkdir(parents=True, exist_ok=True)
        download(client, manifest, folder)
        if locked and locked != manifest:
            raise WeightsUnavailable(f"{name} differs from {lock}, which an earlier download wrote.")
        publish(folder, manifest, place, name)
    if not locked:
        revisions.mkdir(parents=True, exist_ok=True)
        lock.write_text(json.dumps(manifest, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(WEIGHTS))
    parser.add_argument("--to", required=True, help="a folder, or s3://bucket/prefix")
    parser.add_argument("--base", default=HUB, help="the address of the hub, or of a mirror with its API")
    options = parser.parse_args()
    try:
        fetch(options.name, options.to, base=options.base)
    except (WeightsUnavailable, httpx.HTTPError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
