import shutil
from pathlib import Path

import pytest

from tools.release import CLIENTS, Unreleasable, check, version

PLACES = (
    "python/pyproject.toml", "python/kinora/settings.py", "typescript/package.json", "typescript/package-lock.json",
    "typescript/src/http.ts",
)  # fmt: skip


def test_both_packages_have_one_version() -> None:
    assert version(CLIENTS)


@pytest.mark.parametrize("place", PLACES)
def test_another_version_in_one_place_is_refused(place: str, tmp_path: Path) -> None:
    for name in PLACES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CLIENTS / name, tmp_path / name)
    changed = tmp_path / place
    changed.write_text(changed.read_text().replace(f'"{version(CLIENTS)}"', '"9.9.9"'))
    with pytest.raises(Unreleasable, match=r"9\.9\.9"):
        version(tmp_path)


def test_a_package_with_a_missing_or_another_file_is_refused() -> None:
    check(["a.py", "b.py"], {"a.py"}, r"\w\.py")
    with pytest.raises(Unreleasable, match=r"lacks \['c.py'\]"):
        check(["a.py"], {"c.py"}, r"\w\.py")
    with pytest.raises(Unreleasable, match=r"other files: \['secret.env'\]"):
        check(["a.py", "secret.env"], {"a.py"}, r"\w\.py")
