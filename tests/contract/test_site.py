"""The documentation site: each endpoint, links that lead to its pages, and a test or a reason for each block."""

import json
import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import PurePosixPath

import pytest

from local.environment import ROOT
from tests.e2e import test_typescript_client, test_wheel
from tools.site import Copier, configuration, for_models, pages

AWS = "needs an AWS account. Its syntax is checked here"
# Where the blocks of code of each page run, by page and language. `tests/...` is a test that runs these very blocks.
RUN = {
    ("endpoints/*", "sh python ts"): "tests/integration/test_examples.py",
    ("index.md", "sh"): "tests/integration/test_examples.py",
    ("index.md", "python"): "tests/e2e/test_wheel.py",
    ("index.md", "js"): "tests/e2e/test_typescript_client.py",
    ("python.md", "python"): "tests/e2e/test_pages.py",
    ("typescript.md", "js ts"): "tests/e2e/test_pages.py",
    ("recipes.md", "python js"): "tests/integration/test_recipes.py",
    ("errors.md", "json"): "tests/contract/test_site.py",
    ("python.md", "json"): "tests/contract/test_site.py",
}
# The blocks that no test runs, and the reason. The list may only become shorter.
NOT_RUN = {
    ("index.md", "sh", 2): "installs from the registries what test_wheel and test_typescript_client build and install",
    ("python.md", "sh", 3): "installs from the registry what test_wheel builds and installs; test_command and test_mcp "
    "run the same commands",
    ("typescript.md", "sh", 1): "installs from the registry what test_typescript_client packs and installs",
    ("how-to/deploy.md", "sh", 8): AWS,
    ("how-to/replace-a-leaked-key.md", "sh", 3): AWS,
    ("runbook.md", "sh", 14): AWS,
    ("runbook.md", "", 6): "queries of CloudWatch Logs Insights, which only AWS can read",
    ("stripe.md", "sh", 2): "needs an account of Stripe. Its syntax is checked here",
    ("reliability.md", "", 1): "what a program printed",
    ("adr/README.md", "markdown", 1): "a template",
}


@pytest.fixture(scope="module")
def site() -> dict[str, str]:
    return pages()[0]


def blocks(site: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield page, language and text of each block of code."""
    for page, text in site.items():
        for hit in re.finditer(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE):
            yield page, hit[2], re.sub(rf"^{hit[1]}", "", hit[3], flags=re.MULTILINE)


def test_each_operation_has_a_heading_and_three_programs(site: dict[str, str]) -> None:
    text = "".join(text for name, text in site.items() if name.startswith("endpoints/"))
    for path, operations in json.loads((ROOT / "docs/openapi.json").read_text())["paths"].items():
        for method in operations:
            _, heading, rest = text.partition(f"\n## {method.upper()} {path}\n")
            assert heading, (method, path)
            assert re.findall(r'=== "(\w+)"', rest.partition("\n## ")[0]) == ["curl", "Python", "TypeScript"]


def test_the_first_programs_are_those_that_strangers_run(site: dict[str, str]) -> None:
    start = re.sub(r"^    ", "", site["index.md"], flags=re.MULTILINE)
    assert test_wheel.THREE_LINES.strip() in start
    assert test_typescript_client.THREE_LINES.strip() in start


def test_each_block_of_code_has_a_test_or_a_reason(site: dict[str, str]) -> None:
    left: dict[tuple[str, str], int] = {}
    used = set()
    for page, language, text in blocks(site):
        keys = [key for key in RUN if fnmatch(page, key[0]) and language in key[1].split()]
        if page == "index.md" and text.startswith(("pip ", "npm ")):
            keys = []
        used.update(keys)
        if not keys:
            left[page, language] = left.get((page, language), 0) + 1
    assert {(page, language, count) for (page, language), count in left.items()} == set(NOT_RUN)
    assert used == set(RUN)
    assert [test for test in RUN.values() if not (ROOT / test).exists()] == []


def test_blocks_of_json_are_json_and_those_of_shells_have_no_faults_of_syntax(site: dict[str, str]) -> None:
    shell = []
    for page, language, text in blocks(site):
        if language == "json":
            json.loads(text)
        if language == "sh" and not page.startswith("endpoints/"):
            shell.append(re.sub(r"<[\w .-]+>", "NAME", text))
    program = "\n".join(f"function block{number} {{\n{text}\n}}" for number, text in enumerate(shell))
    assert len(shell) > 20
    done = subprocess.run(["/bin/bash", "-n"], input=program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_each_page_is_in_the_navigation_and_in_the_list_for_models(site: dict[str, str]) -> None:
    shown, listed = configuration(site), for_models(site)
    for page in site:
        assert f'"{page}"' in shown
        assert f"]({page})\n" in listed or page.startswith("adr/")


def test_each_link_and_picture_leads_to_a_page_or_a_file_of_the_site() -> None:
    site, pictures = pages()
    known = {*site, *pictures}
    for page, text in site.items():
        for target in re.findall(
            r'\]\(([^)\s]+)\)|<img src="([^"]+)"', re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        ):
            found = "".join(target).partition("#")[0]
            if found and not found.startswith("http"):
                parts: list[str] = []
                for part in (PurePosixPath(page).parent / found).parts:
                    parts = parts[:-1] if part == ".." else [*parts, part]
                assert "/".join(parts) in known, (page, found)
    assert [name for name, path in pictures.items() if not path.exists()] == []
    assert sum(path.stat().st_size for path in pictures.values()) < 8_000_000


def test_a_link_out_of_the_site_becomes_text() -> None:
    copier = Copier()
    text = "[a](../tests/x.py) [b](errors.md#films) [c](https://example.com) ![d](gallery/x.jpg) [e](../SECURITY.md)"
    linked = copier._linked("docs/limits.md", text)
    assert linked == "a [b](errors.md#films) [c](https://example.com) ![d](gallery/x.jpg) [e](security.md)"
    assert copier._linked("docs/adr/README.md", "[x](../how-to/deploy.md#2)") == "[x](../how-to/deploy.md#2)"
    assert copier.pictures == {"gallery/x.jpg": ROOT / "docs/gallery/x.jpg"}


def test_each_code_that_the_pages_name_is_explained() -> None:
    codes = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE))
    named = re.findall(r"\(`([a-z_]+)`\) \|", (ROOT / "docs/limits.md").read_text())
    assert len(named) > 10
    assert set(named) <= codes
