"""`python -m tools.site`: write the pages of the documentation site into `build/site/pages`, and its `mkdocs.yml`.

`make docs-site` builds the site from them. The pages of endpoints follow docs/openapi.json, and those of events
docs/asyncapi.json. The other pages are those of the repository. A link to a file that is not in the site becomes text.
"""

import json
import re
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from local.environment import ROOT

FOLDER = ROOT / "build" / "site"
PAGES = FOLDER / "pages"
# Each page of the site, its title, and its source in the repository.
COPIED = {
    "python.md": ("Python", "clients/python/README.md"),
    "typescript.md": ("TypeScript", "clients/typescript/README.md"),
    "recipes.md": ("Recipes", "docs/recipes.md"),
    "errors.md": ("Errors", "docs/errors.md"),
    "permissions.md": ("Permissions", "docs/permissions.md"),
    "presets.md": ("Camera moves", "docs/presets.md"),
    "vocabulary.md": ("Words", "docs/vocabulary.md"),
    "clients.md": ("Clients, compared", "docs/clients.md"),
}
EVENTS = ("JobSnapshot", "JobProgress", "StepCompleted", "JobCompleted", "JobFailed")
START = """# Kinora

A sentence and a camera move become a film. Take a key from the studio (Settings, API keys), and make one.

=== "Python"

    ```sh
    pip install kinora
    ```

    ```python
{python}
    ```

=== "TypeScript"

    ```sh
    npm install kinora
    ```

    ```js
{typescript}
    ```

=== "curl"

    ```sh
    curl -X POST $KINORA_BASE_URL/api/projects -H "Authorization: Bearer $KINORA_API_KEY" \\
      -H 'Content-Type: application/json' -d '{{"name": "Films"}}'
    curl -X POST $KINORA_BASE_URL/api/jobs -H "Authorization: Bearer $KINORA_API_KEY" \\
      -H 'Content-Type: application/json' -H "Idempotency-Key: my-first-film" \\
      -d '{{"projectId": "prj_...", "prompt": "a lighthouse at dusk", "presetId": "crash-zoom-in"}}'
    curl $KINORA_BASE_URL/api/jobs/job_... -H "Authorization: Bearer $KINORA_API_KEY"
    ```

The clients read `KINORA_API_KEY` and `KINORA_BASE_URL`. A test key makes a fixed film and costs nothing.

## Terms

- A **film** is a job: it has four stages (image, video, motion, finishing), a progress and a price.
- **Credits** are held at the submit, and charged when the film is complete. A film that fails or is cancelled costs
  nothing.
- An **Idempotency-Key** names a request: a second one with the same key returns the first answer, for 24 hours.
- An **asset** is a file that a film uses. A **preset** is a camera move.

## Changes

Fields, values and endpoints are added at any time: ignore those that you do not know. An endpoint or a field that will
be removed is announced in the changelog and by the headers `Deprecation` and `Sunset`. The clients follow Semantic
Versioning.
"""

Schema = dict[str, Any]


def document(name: str) -> Schema:
    loaded: Schema = json.loads((ROOT / "docs" / name).read_text())
    return loaded


def plain_links(text: str) -> str:
    """Replace links to files that the site does not have by their text, and pictures by nothing."""
    text = re.sub(r"!\[[^\]]*\]\((?!https?:)[^)]*\)", "", text)

    def link(hit: re.Match[str]) -> str:
        target = hit[2].partition("#")[0].removeprefix("../").removeprefix("docs/")
        return hit[0] if hit[2].startswith(("http", "#")) or target in COPIED else hit[1]

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", link, text)


def example(schema: Schema, schemas: dict[str, Schema]) -> Any:  # noqa: PLR0911  # one for each form of a schema
    """Return a value of the schema with its required fields."""
    if ref := schema.get("$ref"):
        return example(schemas[ref.rpartition("/")[2]], schemas)
    for value in (*schema.get("examples", ()), *schema.get("enum", ()), schema.get("const")):
        if value is not None:
            return value
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return example(options[0], schemas)
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {name: example(fields[name], schemas) for name in schema.get("required", ()) if name in fields}
        case "array":
            return [example(schema["items"], schemas)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return "..."


def snippets(method: str, path: str, operation: Schema, schemas: dict[str, Schema]) -> str:
    """Return the request with curl, Python and TypeScript."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    body = None if content is None else example(content["schema"], schemas)
    filled = re.sub(r"{(\w+)_id}", r"\1_...", path)
    curl = [f"curl -X {method.upper()} $KINORA_BASE_URL{filled}", '-H "Authorization: Bearer $KINORA_API_KEY"']
    python, options = f'client.request("{method.upper()}", "{filled}"', []
    if names := re.findall(r"{(\w+)}", path):
        options.append("path: { " + ", ".join(f'{name}: "{name.removesuffix("_id")}_..."' for name in names) + " }")
    if body is not None:
        curl += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body)}'"]
        python += f", body={body!r}"
        options.append(f"body: {json.dumps(body)}")
    arguments = f", {{ {', '.join(options)} }}" if options else ""
    shell = " \\\n  ".join(curl)
    texts = {
        "curl": ("sh", shell),
        "Python": ("python", f"{python})"),
        "TypeScript": ("ts", f'await client.request("{method}", "{path}"{arguments});'),
    }
    return "\n".join(
        f'=== "{name}"\n\n    ```{language}\n{indented(text)}\n    ```\n' for name, (language, text) in texts.items()
    )


def indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.strip().splitlines())


def endpoint_pages() -> Iterator[tuple[str, str]]:
    """Yield a page for each tag: its name and text."""
    openapi = document("openapi.json")
    schemas = openapi["components"]["schemas"]
    operations = [
        (operation["tags"][0], method, path, operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]
    for tag, group in groupby(sorted(operations, key=lambda one: one[0]), key=lambda one: one[0]):
        text = f"# {tag.capitalize()}\n"
        for _, method, path, operation in group:
            codes = {
                code
                for response in operation["responses"].values()
                for code in re.findall(r"`(\w+)`", response.get("description", "").partition("Codes:")[2])
            }
            text += f"\n## {method.upper()} {path}\n\n{operation['description']}\n\n"
            text += snippets(method, path, operation, schemas)
            if parameters := [one for one in operation.get("parameters", ()) if one["in"] == "query"]:
                text += "\n| query | meaning |\n|---|---|\n"
                text += "".join(
                    f"| `{one['name']}` | {' '.join(one.get('description', '').split())} |\n" for one in parameters
                )
            if codes:
                text += f"\nErrors: {', '.join(f'`{code}`' for code in sorted(codes))}. See [errors](../errors.md).\n"
        yield tag, text


def events_page() -> str:
    schemas = document("asyncapi.json")["components"]["schemas"]
    text = (
        "# Events\n\nA socket sends the events of a job: `client.jobs.stream(id)` in both clients. "
        "Each event has a `seq`. A client drops events whose `seq` is not higher than that of the last one. "
        "After a cut, subscribe again: the first event is a snapshot. The same facts come as [webhooks](recipes.md).\n"
    )
    for name in EVENTS:
        schema = schemas[name]
        fields = "".join(f"- `{field}`\n" for field in schema["properties"])
        text += f"\n## {schema['properties']['type']['const']}\n\n{schema.get('description', '')}\n\n{fields}"
    return text


def program(readme: str, language: str) -> str:
    """Return the first program of a README."""
    hit = re.search(rf"```{language}\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)
    if hit is None:
        raise ValueError(f"{readme} has no program in {language}")
    return indented(hit[1])


def pages() -> dict[str, str]:
    """Return the text of each page by its path."""
    start = START.format(
        python=program("clients/python/README.md", "python"), typescript=program("clients/typescript/README.md", "js")
    )
    found = {"index.md": start, "events.md": events_page()}
    found |= {page: plain_links((ROOT / source).read_text()) for page, (_, source) in COPIED.items()}
    found |= {f"endpoints/{tag}.md": text for tag, text in endpoint_pages()}
    listed = "".join(f"- /{page}\n" for page in found)
    found["llms.txt"] = (
        "# Kinora\n\n> Films from prompts and camera moves: a REST API, clients for Python and TypeScript, "
        f"a command and a server of tools (`kinora mcp`).\n\n## Pages\n\n{listed}"
    )
    return found


def configuration(endpoints: list[str]) -> str:
    """Return `mkdocs.yml`. The theme loads no fonts of others, and the search runs in the browser."""
    navigation = [
        {"Start": "index.md"}, {"Python": "python.md"}, {"TypeScript": "typescript.md"},
        {"Endpoints": [{Path(page).stem.capitalize(): page} for page in endpoints]},
        {"Events": "events.md"},
        *({title: page} for page, (title, _) in COPIED.items() if page not in {"python.md", "typescript.md"}),
    ]  # fmt: skip
    return json.dumps(  # JSON is YAML
        {
            "site_name": "Kinora", "docs_dir": "pages", "site_dir": "html", "use_directory_urls": False,
            "theme": {"name": "material", "font": False, "features": ["content.tabs.link", "content.code.copy"]},
            "plugins": ["search"], "nav": navigation,
            "markdown_extensions": [
                "tables", "pymdownx.superfences", {"pymdownx.tabbed": {"alternate_style": True}},
            ],
            "validation": {"links": {"anchors": "warn", "not_found": "warn"}},
        },
        indent=1,
    )  # fmt: skip


def main() -> None:
    shutil.rmtree(PAGES, ignore_errors=True)
    found = pages()
    for name, text in found.items():
        (PAGES / name).parent.mkdir(parents=True, exist_ok=True)
        (PAGES / name).write_text(text)
    (FOLDER / "mkdocs.yml").write_text(configuration([name for name in found if name.startswith("endpoints/")]))


if __name__ == "__main__":
    main()
