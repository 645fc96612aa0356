"""The documentation site has each endpoint, and its first programs are those that the end-to-end tests run."""

import json
import re

import pytest

from local.environment import ROOT
from tests.e2e import test_typescript_client, test_wheel
from tools.site import configuration, pages, plain_links


@pytest.fixture(scope="module")
def site() -> dict[str, str]:
    return pages()


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


def test_each_page_is_in_the_navigation_and_in_the_list_for_models(site: dict[str, str]) -> None:
    shown = configuration([name for name in site if name.startswith("endpoints/")])
    for page in set(site) - {"llms.txt"}:
        assert f'"{page}"' in shown
        assert f"- /{page}\n" in site["llms.txt"]


def test_a_link_out_of_the_site_becomes_text() -> None:
    text = plain_links("[a](../tests/x.py) [b](errors.md#films) [c](https://example.com) ![d](gallery/x.jpg)")
    assert text == "a [b](errors.md#films) [c](https://example.com) "
