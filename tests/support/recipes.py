"""The programs of docs/recipes.md, and a folder in which node finds the TypeScript client as its users do."""

from pathlib import Path

from local.environment import ROOT

NODE = ROOT / ".venv" / "bin" / "node"


def program_of(title: str, language: str = "python") -> str:
    """Return the program below a heading."""
    _, _, section = (ROOT / "docs/recipes.md").read_text().partition(f"\n## {title}\n")
    return section.partition(f"```{language}\n")[2].partition("```")[0]


def with_typescript_client(folder: Path) -> None:
    """Make the sources of the client the package `kinora` of the folder. node strips their types."""
    package = folder / "node_modules" / "kinora"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
    (package / "index.js").write_text(f'export * from "{ROOT}/clients/typescript/src/index.ts";\n')
