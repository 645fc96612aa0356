"""Only tests import `tools`. Only `tests/support` and `tests/conftest.py` are imported by `tools` and `bench`."""

import re
from pathlib import Path

from local.environment import ROOT

FOLDERS = ("shared", "functions", "workers", "infra", "local", "tools", "bench")
IMPORT = re.compile(r"^\s*(?:from|import) (tools|tests)([.\w]*)", re.M)


def imports_against_the_rule(root: Path) -> list[str]:
    """Return `path: imported module` for each import that the rule refuses."""
    found = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            for package, module in IMPORT.findall(path.read_text()):
                own = folder == package == "tools"
                kit = (
                    folder in {"tools", "bench"} and package == "tests" and module.startswith((".support", ".conftest"))
                )
                if not own and not kit:
                    found.append(f"{path.relative_to(root)}: {package}{module}")
    return found


def test_only_tests_import_tools_and_tests() -> None:
    assert imports_against_the_rule(ROOT) == []


def test_an_import_of_tools_is_refused(tmp_path: Path) -> None:
    for name, text in {
        "local/cloud.py": "from tools.docs import DOCUMENTS\n",
        "bench/measure.py": "from tests.support.clips import grey\n",
        "tools/docs.py": "import tools.costs\nfrom tests.unit import anything\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert imports_against_the_rule(tmp_path) == ["local/cloud.py: tools.docs", "tools/docs.py: tests.unit"]
