"""The programs of docs/recipes.md."""

from local.environment import ROOT


def program_of(title: str) -> str:
    """Return the program below a heading."""
    _, _, section = (ROOT / "docs/recipes.md").read_text().partition(f"\n## {title}\n")
    return section.partition("```python\n")[2].partition("```")[0]
