"""The list of `guards.toml`: each guard, the edits that remove it, and the tests that fail without it."""

import ast
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Removal(BaseModel):
    """A replacement in a file or in one function of it, `path:Class.function`, which contains `old` once."""

    model_config = ConfigDict(extra="forbid")

    at: str
    old: str
    new: str

    @property
    def path(self) -> str:
        return self.at.partition(":")[0]

    def apply(self, tree: Path) -> None:
        """Change the file in the tree. Raise LookupError if the file has changed so that the edit does not apply."""
        file, name = tree / self.path, self.at.partition(":")[2]
        text = file.read_text()
        before, within, after = _around(text, name) if name else ("", text, "")
        if within.count(self.old) != 1:
            raise LookupError(f"{self.at} contains {within.count(self.old)} times, not once: {self.old}")
        changed = before + within.replace(self.old, self.new) + after
        if file.suffix == ".py":
            ast.parse(changed)
        file.write_text(changed)


class RemovedGuard(BaseModel):
    """A guard, its invariant, the edits that remove it, and the tests of which one must fail then."""

    model_config = ConfigDict(extra="forbid")

    name: str
    invariant: str
    at: str
    old: str
    new: str
    also: tuple[Removal, ...] = ()
    tests: tuple[str, ...]

    @property
    def removals(self) -> tuple[Removal, ...]:
        return (Removal(at=self.at, old=self.old, new=self.new), *self.also)


def _around(text: str, name: str) -> tuple[str, str, str]:
    """Return the text before the function `name`, of the function, and after it."""
    node: ast.AST | None = ast.parse(text)
    for part in name.split("."):
        inner = ast.iter_child_nodes(node) if node else ()
        node = next((child for child in inner if getattr(child, "name", None) == part), None)
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.end_lineno is None:
        raise LookupError(f"there is no function {name}")
    lines = text.splitlines(keepends=True)
    first, last = node.lineno - 1, node.end_lineno
    return "".join(lines[:first]), "".join(lines[first:last]), "".join(lines[last:])


_DOCUMENT = tomllib.loads(Path(__file__).with_name("guards.toml").read_text())
GUARDS = tuple(RemovedGuard.model_validate(row) for row in _DOCUMENT["guard"])
