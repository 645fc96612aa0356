"""`docs/api.md`: each endpoint with the test that uses it, those of the API contract first."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.environment import ROOT
from local.gateway.docs import openapi
from tests.support.contract import ENDPOINTS

_HEAD = """# The API

Written by `make docs` from the routes and from the tests' `endpoint` marks. A marked test fails if the endpoint does
not serve it. [`openapi.json`](openapi.json) describes bodies, answers and refusals; `make dev` shows it as a page.

"""


def page() -> str:
    """Return the page. Raise KeyError for an endpoint without a test."""
    tests = dict(_marks(ROOT / "tests/integration"))
    served = dict(_operations())
    contract = {general(name): name for name in served if general(name) in ENDPOINTS}
    added = [name for name in served if name not in contract.values()]
    sections = {
        f"The {len(ENDPOINTS)} endpoints of the contract": [contract[name] for name in ENDPOINTS],
        f"{len(added)} more endpoints": added,
    }
    return _HEAD + "\n".join(
        f"## {title}\n\n| endpoint | what it does | test |\n|---|---|---|\n"
        + "".join(f"| `{name}` | {_sentence(served[name])} | {tests[name]} |\n" for name in names)
        for title, names in sections.items()
    )


def general(name: str) -> str:
    """Return the endpoint as the contract writes it: `GET /api/jobs/{job_id}` is `GET /api/jobs/:id`."""
    return re.sub(r"\{\w+\}", ":id", name)


def _sentence(operation: Any) -> str:
    return str(operation["description"].partition("\n\n")[0].replace("\n", " "))


def _operations() -> Iterator[tuple[str, Any]]:
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _marks(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the endpoints of all marks, each with a link to its test."""
    for file in sorted(folder.glob("test_*.py")):
        for function in ast.parse(file.read_text()).body:
            for mark in getattr(function, "decorator_list", ()):
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.endpoint":
                    for name in mark.args:
                        link = f"[`{function.name}`](../{file.relative_to(ROOT)})"  # type: ignore[attr-defined]  # a statement with decorators has a name
                        yield ast.literal_eval(name), link
