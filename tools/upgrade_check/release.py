"""A release of Kinora: its source tree with its interpreter, and its synthesized templates."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.bundling.archive import BUILD
from local.environment import ROOT
from tools.template import CONTEXT, Assembly

# The release that `make upgrade-check` deploys first. A tag `v*` replaces this commit.
PREVIOUS_RELEASE = "c857d29469525762bd8cbb68597ae0da7de97507"


@dataclass(frozen=True, slots=True)
class Release:
    """The source tree in `root`, with its packages in `root/.venv`, and its templates of dev with services."""

    name: str
    root: Path
    assembly: Assembly

    @property
    def variables(self) -> dict[str, str]:
        """The variables with which functions find the packages of this release."""
        [packages] = (self.root / ".venv").glob("lib/python*/site-packages")
        return {"PYTHONPATH": str(packages)}


def this_release() -> Release:
    templates = BUILD / "releases" / "this"
    shutil.rmtree(templates, ignore_errors=True)
    _synthesize(ROOT, templates)
    return Release("this release", ROOT, Assembly("dev", templates))


def release_at(revision: str) -> Release:
    """Return the release at a tag or a commit of this repository. Its tree is made below `build/` once."""
    commit = _git("rev-parse", "--verify", f"{revision}^{{commit}}").decode().strip()
    root = BUILD / "releases" / commit
    templates = root / "cdk.out"
    if not (templates / "cdk.out").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", root], input=_git("archive", commit), check=True)  # noqa: S603, S607  # ours
        (root / "build").symlink_to(BUILD)  # the archives there are named by the digests of their sources
        _install(root)
        _synthesize(root, templates)
    return Release(revision, root, Assembly("dev", templates))


def _synthesize(root: Path, templates: Path) -> None:
    """Write the templates of dev. Releases before the functions without a network have services in dev."""
    module = "tools.services" if (root / "tools" / "services.py").exists() else "infra.app"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KINORA_", "AWS_"))}
    subprocess.run(  # noqa: S603  # our own arguments
        [root / ".venv" / "bin" / "python", "-m", module, "-c", "env=dev", "-o", templates],
        cwd=root, env=environment | CONTEXT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def previous() -> str:
    """Return the newest tag `v*` before this commit, or PREVIOUS_RELEASE without one."""
    tags = _git("tag", "--list", "v*", "--no-contains", "HEAD", "--sort=-v:refname").decode().split()
    return tags[0] if tags else PREVIOUS_RELEASE


def _install(root: Path) -> None:
    """Install the packages that the release has locked, or use those of this release if the locks are the same."""
    if (root / "uv.lock").read_bytes() == (ROOT / "uv.lock").read_bytes():
        (root / ".venv").symlink_to(ROOT / ".venv")
    else:
        uv = ROOT / ".venv" / "bin" / "uv"
        python = ROOT / ".venv" / "bin" / "python"
        subprocess.run([uv, "sync", "--frozen", "--quiet", "--python", python], cwd=root, check=True)  # noqa: S603  # ours


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout  # noqa: S603, S607  # ours
