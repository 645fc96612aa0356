"""A unit test has the path of the module that it tests."""

from pathlib import Path

from local.environment import ROOT


def without_source(root: Path) -> list[str]:
    """Return the unit tests whose path matches no module and no package.

    `tests/unit/a/test_b.py` and `tests/unit/a/test_b_subject.py` test the module or package `a/b`.
    """
    unit = root / "tests" / "unit"
    return sorted(
        str(path.relative_to(root))
        for path in unit.rglob("test_*.py")
        if not _has_source(root / path.parent.relative_to(unit), path.stem.removeprefix("test_").split("_"))
    )


def _has_source(folder: Path, words: list[str]) -> bool:
    names = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
    return any((folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file() for name in names)


def test_every_unit_test_has_the_path_of_its_module() -> None:
    assert without_source(ROOT) == []


def test_a_unit_test_without_a_module_is_refused(tmp_path: Path) -> None:
    for name in (
        "shared/camera/__init__.py",
        "shared/camera/move.py",
        "tests/unit/shared/test_camera.py",
        "tests/unit/shared/camera/test_move.py",
        "tests/unit/shared/camera/test_move_easing.py",
        "tests/unit/shared/camera/test_moves.py",
        "tests/unit/test_camera.py",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert without_source(tmp_path) == ["tests/unit/shared/camera/test_moves.py", "tests/unit/test_camera.py"]
