"""`python -m tools.site`: write the pages of the documentation site into `build/site/pages`, and its `mkdocs.yml`.

`make docs-site` builds the site from them. The pages of endpoints follow docs/openapi.json, those of events
docs/asyncapi.json, and the gallery docs/presets.json. The other pages are those of the repository, with their pictures.
A link to a file that is not in the site becomes text.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from local.environment import ROOT
from tools.preset_page import TITLES
from tools.site_examples import Request, requests

FOLDER = ROOT / "build" / "site"
PAGES = FOLDER / "pages"
START, ENDPOINTS, DECISIONS = "docs/start.md", "endpoints/", "docs/adr/"
# The sections, with the sources of their pages in the repository. `*` names pages that are generated here.
SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Clients": {
        "Python": "clients/python/README.md", "TypeScript": "clients/typescript/README.md",
        "Recipes": "docs/recipes.md", "Comparison": "docs/clients.md",
    },
    "API": {
        "Endpoints": "*endpoints", "Errors": "docs/errors.md", "Events": "*events.md", "Webhooks": "docs/webhooks.md",
        "Limits": "docs/limits.md", "Permissions": "docs/permissions.md", "Changes": "docs/changes.md",
    },
    "Films": {
        "Gallery": "*gallery.md", "Camera moves": "docs/presets.md", "Words": "docs/vocabulary.md",
        "Prices": "docs/pricing.md", "Engines of providers": "docs/engines.md", "Models": "docs/models.md",
    },
    "Operating": {
        "Overview": "docs/operating.md", "Deploy": "docs/how-to/deploy.md", "Runbook": "docs/runbook.md",
        "Costs": "docs/cost.md", "Scale": "docs/scale.md", "Performance": "docs/performance.md",
        "Stripe": "docs/stripe.md", "Reliability": "docs/reliability.md",
    },
    "Security": {
        "Model": "SECURITY.md", "A leaked key": "docs/how-to/replace-a-leaked-key.md", "Decisions": "*decisions",
    },
}  # fmt: skip
NAMES = {
    START: "index.md", "SECURITY.md": "security.md",
    "clients/python/README.md": "python.md", "clients/typescript/README.md": "typescript.md",
}  # fmt: skip
# The films of the gallery in columns.
STYLE = """.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)); gap: 1rem; }
.grid figure { margin: 0; }
"""
EVENTS = ("JobSnapshot", "JobProgress", "StepCompleted", "JobCompleted", "JobFailed")
Schema = Mapping[str, Any]


def sources() -> dict[str, str]:
    """Return the page of each source in the repository."""
    listed = [START, *(one for pages in SECTIONS.values() for one in pages.values() if not one.startswith("*"))]
    listed += sorted(str(path.relative_to(ROOT)) for path in (ROOT / DECISIONS).glob("*.md"))
    return {source: NAMES.get(source, source.removeprefix("docs/")) for source in listed}


class Copier:
    """The pages of the repository as pages of the site. `pictures` are the files that they show, by their names."""

    def __init__(self) -> None:
        self._pages, self.pictures = sources(), dict[str, Path]()

    def text(self, source: str) -> str:
        """Return the text of the page, with links to other pages of the site."""
        parts = re.split(r"(^ *```.*?^ *```$)", (ROOT / source).read_text(), flags=re.DOTALL | re.MULTILINE)
        return "".join(part if number % 2 else self._linked(source, part) for number, part in enumerate(parts))

    def _linked(self, source: str, text: str) -> str:
        def link(hit: re.Match[str]) -> str:
            is_picture, label, (target, _, anchor) = bool(hit[1]), hit[2], hit[3].partition("#")
            if hit[3].startswith(("http", "#")):
                return hit[0]
            if is_picture:
                return f"![{label}]({self._picture(source, target)})"
            if page := self._pages.get(_resolved(source, target)):
                return f"[{label}]({self._relative(source, page)}{f'#{anchor}' if anchor else ''})"
            return label

        text = re.sub(r'(?<=<img src=")([^"]+)', lambda hit: self._picture(source, hit[1]), text)
        return re.sub(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)", link, text)

    def _picture(self, source: str, target: str) -> str:
        path = _resolved(source, target)
        name = path.removeprefix("docs/")
        self.pictures[name] = ROOT / path
        return self._relative(source, name)

    def _relative(self, source: str, name: str) -> str:
        return os.path.relpath(name, PurePosixPath(self._pages[source]).parent)


def _resolved(source: str, target: str) -> str:
    """Return the path in the repository to which a link of the source leads."""
    return os.path.normpath(PurePosixPath(source).parent / target)


def indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.strip().splitlines())


def endpoint_pages() -> Iterator[tuple[str, str]]:
    """Yield a page for each tag: its name and text."""
    for tag, group in groupby(sorted(requests(), key=_tag), _tag):
        text = f"# {tag.capitalize()}\n"
        for request, operation in group:
            codes = {
                code
                for response in operation["responses"].values()
                for code in re.findall(r"`(\w+)`", response.get("description", "").partition("Codes:")[2])
            }
            text += f"\n## {request.method} {request.path}\n\n{operation['description']}\n\n{request.access}\n\n"
            text += "\n".join(
                f'=== "{title}"\n\n    ```{language}\n{indented(code)}\n    ```\n'
                for title, (language, code) in request.examples().items()
            )
            if parameters := [one for one in operation.get("parameters", ()) if one["in"] == "query"]:
                text += "\n| query | meaning |\n|---|---|\n"
                text += "".join(
                    f"| `{one['name']}` | {' '.join(one.get('description', '').split())} |\n" for one in parameters
                )
            if codes:
                text += f"\nErrors: {', '.join(f'`{code}`' for code in sorted(codes))}. See [errors](../errors.md).\n"
        yield tag, text


def _tag(one: tuple[Request, Schema]) -> str:
    return str(one[1]["tags"][0])


def gallery_page(pictures: dict[str, Path]) -> str:
    """Return the page with a film of each preset, and add the films to the pictures."""
    text = (
        "# Gallery\n\nEach camera move films one of three paintings. A film names it by its id: "
        '`client.films.create("a lighthouse at dusk", preset="crash-zoom-in")`. [Camera moves](presets.md) has their '
        "paths and scores.\n"
    )
    for category, presets in groupby(json.loads((ROOT / "docs/presets.json").read_text()), lambda one: one["category"]):
        text += f'\n## {TITLES[category]}\n\n<div class="grid" markdown>\n'
        for preset in presets:
            name = f"gallery/presets/{Path(preset['preview']).name}"
            pictures[name] = ROOT / "docs" / name
            text += (
                f"\n<figure markdown>\n  ![{preset['name']}]({name}){{ loading=lazy }}\n"
                f"  <figcaption><code>{preset['id']}</code><br>{preset['description']}</figcaption>\n</figure>\n"
            )
        text += "\n</div>\n"
    return text


def events_page() -> str:
    schemas = json.loads((ROOT / "docs/asyncapi.json").read_text())["components"]["schemas"]
    text = (
        "# Events\n\nA socket sends the events of a job: `client.jobs.stream(id)` in both clients. "
        "Each event has a `seq`. A client drops events whose `seq` is not higher than that of the last one. "
        "After a cut, subscribe again: the first event is a snapshot. The same facts come as [webhooks](webhooks.md).\n"
    )
    for name in EVENTS:
        schema = schemas[name]
        fields = "".join(f"- `{field}`\n" for field in schema["properties"])
        text += f"\n## {schema['properties']['type']['const']}\n\n{schema.get('description', '')}\n\n{fields}"
    return text


def pages() -> tuple[dict[str, str], dict[str, Path]]:
    """Return the text of each page by its path, and the pictures that the pages show."""
    copier = Copier()
    found = {page: copier.text(source) for source, page in sources().items()}
    found |= {"events.md": events_page(), "gallery.md": gallery_page(copier.pictures)}
    found |= {f"{ENDPOINTS}{tag}.md": text for tag, text in endpoint_pages()}
    return found, copier.pictures


def for_models(found: Mapping[str, str]) -> str:
    """Return `llms.txt` (https://llmstxt.org): the pages as Markdown, which `make docs-site` puts beside the HTML."""
    listed = "".join(f"- [{title_of(text)}]({page})\n" for page, text in found.items() if not page.startswith("adr/"))
    return (
        "# Kinora\n\n> Films from prompts and camera moves: a REST API, clients for Python and TypeScript, "
        f"a command and a server of tools (`kinora mcp`).\n\n## Pages\n\n{listed}"
        f"\n## Optional\n\n- [Decisions and their reasons](adr/README.md)\n"
    )


def title_of(text: str) -> str:
    return text.partition("# ")[2].partition("\n")[0]


def navigation(found: Mapping[str, str]) -> list[Any]:
    """Return the sections of the site with their pages."""
    many: dict[str, list[Any]] = {
        "*endpoints": [{title_of(text): page} for page, text in found.items() if page.startswith(ENDPOINTS)],
        "*decisions": [page for page in found if page.startswith("adr/")],
    }
    names = sources()
    return [{"Start": "index.md"}] + [
        {section: [{title: many.get(source) or names.get(source, source[1:])} for title, source in listed.items()]}
        for section, listed in SECTIONS.items()
    ]


def configuration(found: Mapping[str, str]) -> str:
    """Return `mkdocs.yml`. The theme loads no fonts of others, and the search runs in the browser."""
    return json.dumps(  # JSON is YAML
        {
            "site_name": "Kinora", "docs_dir": "pages", "site_dir": "html", "use_directory_urls": False,
            "theme": {
                "name": "material", "font": False,
                "features": ["content.tabs.link", "content.code.copy", "navigation.tabs"],
            },
            "plugins": ["search"], "nav": navigation(found), "extra_css": ["site.css"],
            "markdown_extensions": [
                "tables", "attr_list", "md_in_html", "pymdownx.superfences",
                {"pymdownx.tabbed": {"alternate_style": True}},
            ],
            "validation": {"links": {"anchors": "warn", "not_found": "warn"}},
        },
        indent=1,
    )  # fmt: skip


def main() -> None:
    shutil.rmtree(PAGES, ignore_errors=True)
    found, pictures = pages()
    texts = {**found, "llms.txt": for_models(found), "site.css": STYLE}
    for name, text in texts.items():
        (PAGES / name).parent.mkdir(parents=True, exist_ok=True)
        (PAGES / name).write_text(text)
    for name, path in pictures.items():
        (PAGES / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, PAGES / name)
    (FOLDER / "mkdocs.yml").write_text(configuration(found))


if __name__ == "__main__":
    main()
