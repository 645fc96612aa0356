"""The checkable part of the language rule in CONTRIBUTING.md: refused words and the beginnings of docstrings.

`python -m pytest tests/house/test_language.py` lists every hit as `file:line: word -> replacement`. A word in backticks
is a name and passes.
"""

import ast
import fnmatch
import io
import os
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_OURS = {"build", "node_modules", "out", ".next", "test-results"}  # installed or generated
FOLDERS = sorted(folder.name for folder in ROOT.iterdir() if folder.is_dir() and folder.name not in NOT_OURS)
PLACES = [name for name in FOLDERS if not name.startswith(".") or name == ".github"]
TOP = "the top-level files"
QUOTES_THE_WORDS = {"tests/house/test_language.py", "tests/house/test_trials.py"}

# Each word or phrase, as a pattern, and its plain replacement.
WORDS = {
    r"reckon(s|ed|ing)?": "calculate, count",
    r"bears|bore|borne|bear (a|an|the|our|its|their|this|these|ids|no)": "has, carries, contains",
    r"whoever": "name the actor: the caller, any worker that",
    r"anew": "again",
    r"upon": "on",
    r"seldom": "rarely",
    r"midst": "during, in the middle of",
    r"the seed's|in the seed|by the seed": "the API contract; of a random seed: from the seed",
    r"so many": "the number of",
    r"is no news": "say what happens: is ignored, writes nothing",
    r"the house": "Kinora, the repository, built in",
    r"foreign(?! key)": "another account's, remote",
    r"lent": "presigned",
    r"taken apart": "decomposed",
    r"dares?": "may",
    r"hears": "receives, reads",
}
PATTERNS = [(re.compile(rf"\b(?:{word})\b", re.IGNORECASE), plain) for word, plain in WORDS.items()]

# Words that cannot begin an imperative or a noun phrase.
NO_BEGINNING = {
    "whether", "what", "whatever", "who", "whoever", "whose", "which", "where", "when", "why", "how", "of", "that",
    "those", "none", "if", "because", "so", "then", "there", "here",
}  # fmt: skip
# Words that can begin a noun phrase, but no imperative.
NO_IMPERATIVE = NO_BEGINNING | {
    "the", "a", "an", "this", "these", "it", "its", "they", "their", "one", "each", "every", "all", "both", "some",
    "any", "no", "nothing", "nobody", "in", "on", "at", "as", "by", "for", "from", "to", "with", "without", "not",
    "only", "once", "until",
}  # fmt: skip


def python_prose(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of all comments and strings with their line numbers."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        name = tokenize.tok_name[token.type]
        if name in {"COMMENT", "STRING", "FSTRING_MIDDLE"}:
            yield from enumerate(token.string.splitlines(), token.start[0])


def asl_comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a state machine that contain a comment."""
    return ((number, line) for number, line in whole(source) if '"Comment"' in line)


def whole(source: str) -> Iterator[tuple[int, str]]:
    """Yield all lines with their line numbers."""
    return enumerate(source.splitlines(), 1)


PROSE: dict[str, Callable[[str], Iterator[tuple[int, str]]]] = {
    "*.py": python_prose, "*.md": whole, "*.toml": whole, "*.yml": whole, "Makefile": whole, "Dockerfile": whole,
    "*.asl.json": asl_comments, "*.ts": whole, "*.tsx": whole, "*.mjs": whole,
}  # fmt: skip


def files(place: str, pattern: str) -> Iterator[Path]:
    """Yield the files below a top-level folder whose names match. Installed and generated folders are not entered."""
    for folder, folders, names in os.walk(ROOT / place):
        folders[:] = sorted(set(folders) - NOT_OURS)
        yield from (Path(folder, name) for name in sorted(fnmatch.filter(names, pattern)))


def hits(place: str) -> Iterator[str]:
    """Yield `file:line: word -> replacement` for each word of the list in the files of a place."""
    for pattern, prose in PROSE.items():
        for path in sorted(ROOT.glob(pattern)) if place == TOP else files(place, pattern):
            file = path.relative_to(ROOT).as_posix()
            for number, line in () if file in QUOTES_THE_WORDS else prose(path.read_text()):
                text = re.sub(r"`[^`]*`", "``", line)
                for word, plain in PATTERNS:
                    yield from (f"{file}:{number}: {hit[0]} -> {plain}" for hit in word.finditer(text))


def beginnings(place: str) -> Iterator[str]:
    """Yield `file:line: first word -> rule` for each docstring that begins with a wrong word."""
    for path in files(place, "*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            first, *_ = (ast.get_docstring(node) or "-").split(maxsplit=1)
            wrong, rule = (NO_IMPERATIVE, "an imperative") if commands(node) else (NO_BEGINNING, "a noun phrase")
            if first.strip(",.:").lower() in wrong:
                yield f"{path.relative_to(ROOT)}:{node.body[0].lineno}: {first} -> {rule}"


def commands(node: ast.AST) -> bool:
    """Return whether the docstring must be an imperative: for functions except properties, tests and fixtures."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    decorators = " ".join(map(ast.unparse, node.decorator_list))
    return not (node.name.startswith("test_") or re.search("property|fixture", decorators))


def refuse(found: list[str]) -> None:
    """Fail if there are hits, and list them one per line."""
    if found:
        pytest.fail("\n".join([f"{len(found)} hits:", *found]), pytrace=False)


@pytest.mark.parametrize("place", [*PLACES, TOP])
def test_prose_uses_plain_words(place: str) -> None:
    refuse(list(hits(place)))


@pytest.mark.parametrize("place", PLACES)
def test_a_docstring_begins_with_an_imperative_or_a_noun_phrase(place: str) -> None:
    refuse(list(beginnings(place)))
