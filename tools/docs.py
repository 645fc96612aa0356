"""`make docs`: write every page and document that is generated from the code."""

import json
from collections.abc import Callable
from functools import partial

import tests.conftest  # noqa: F401  # sets the variables that records read at import

# isort: split
from local.environment import ROOT
from local.gateway.docs import openapi
from tools import (
    api_page,
    client,
    costs,
    engine_page,
    limits_page,
    performance_page,
    permissions,
    preset_page,
    roles_page,
    scale,
    site_data,
    vocabulary_page,
    webhooks_page,
)
from tools.asyncapi_document import asyncapi
from tools.template import APPS


def as_json(document: Callable[[], object]) -> str:
    """Return the document as the text of a committed JSON file."""
    return json.dumps(document(), indent=2) + "\n"


# Functions that return the text of a file, by the file's path in the repository.
DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/openapi.json": partial(as_json, openapi),
    "docs/asyncapi.json": partial(as_json, asyncapi),
    "docs/api.md": api_page.page,
    "docs/engines.md": engine_page.page,
    "docs/limits.md": limits_page.limits,
    "docs/pricing.md": limits_page.pricing,
    "docs/webhooks.md": webhooks_page.page,
    "docs/vocabulary.md": vocabulary_page.page,
    "docs/vocabulary.json": vocabulary_page.data,
    "docs/presets.md": preset_page.page,
    "docs/presets.json": partial(as_json, site_data.preset_list),
    "docs/plans.json": partial(as_json, site_data.prices),
    "docs/moves.json": site_data.moves,
    "web/tests/paths.json": site_data.camera_examples,
    "web/tests/readings.json": vocabulary_page.readings,
    "docs/permissions.md": roles_page.page,
    "docs/cost.md": costs.page,
    "docs/scale.md": scale.page,
    "docs/performance.md": performance_page.page,
    **{f"tests/infra/snapshots/iam-{app}.json": partial(permissions.text_of, app) for app in APPS},
}


def main() -> None:
    for path, text in DOCUMENTS.items():
        (ROOT / path).write_text(text())
    client.main()


if __name__ == "__main__":
    main()
