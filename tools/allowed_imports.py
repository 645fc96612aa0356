"""The import contract `allowed`: a package reaches the listed modules and no others (import-linter lacks this type)."""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, ClassVar

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules
from importlinter.domain.imports import ModuleExpression

Chain = tuple[str, ...]  # modules; each imports the next


class AllowedImports(Contract):
    """An allow-list for what the source modules import, directly or through other modules.

    Options:
    - `source_modules`: packages; they may import themselves and each other.
    - `allowed_modules`: packages that they may import.
    - `external`: if true, the list holds for third-party packages too. The standard library is always allowed.
    """

    type_name: ClassVar[str] = "allowed"

    # import-linter replaces each field by its parsed value.
    source_modules: Any = fields.SetField(subfield=fields.ModuleExpressionField())
    allowed_modules: Any = fields.SetField(subfield=fields.ModuleExpressionField())
    external: Any = fields.BooleanField(default=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002  # import-linter's signature
        """Find a shortest chain to each module that is not allowed."""
        sources = _packages(graph, self.source_modules)
        allowed = sources | _packages(graph, self.allowed_modules)
        judged = graph.modules - set(sys.stdlib_module_names)
        if not self.external:
            judged = {module for module in judged if not graph.is_module_squashed(module)}
        chains = sorted(_chains(graph, sources, refused=judged - allowed))
        lines = {link: _lines(graph, *link) for chain in chains for link in pairwise(chain)}
        return ContractCheck(kept=not chains, metadata={"chains": chains, "lines": lines})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each chain with the line numbers of its imports."""
        for chain in check.metadata["chains"]:
            output.print(f"{chain[0]} is not allowed to reach {chain[-1]}:")
            for link in pairwise(chain):
                output.print_error(f"- {link[0]} -> {link[1]} ({check.metadata['lines'][link]})", bold=False)
            output.new_line()


def _packages(graph: ImportGraph, expressions: Iterable[ModuleExpression]) -> set[str]:
    """Return the named modules and all modules below them."""
    named = {module.name for module in module_expressions_to_modules(graph, expressions)} & graph.modules
    below = (graph.find_descendants(module) for module in named if not graph.is_module_squashed(module))
    return named.union(*below)


def _chains(graph: ImportGraph, sources: set[str], refused: set[str]) -> Iterator[Chain]:
    """Yield a shortest chain to each refused module; do not look behind a refused module."""
    seen = set(sources)
    queue: deque[Chain] = deque((source,) for source in sorted(sources))
    while queue:
        chain = queue.popleft()
        for imported in sorted(graph.find_modules_directly_imported_by(chain[-1]) - seen):
            seen.add(imported)
            if imported in refused:
                yield (*chain, imported)
            else:
                queue.append((*chain, imported))


def _lines(graph: ImportGraph, importer: str, imported: str) -> str:
    details = graph.get_import_details(importer=importer, imported=imported)
    return ", ".join(f"l.{detail['line_number']}" for detail in details)
