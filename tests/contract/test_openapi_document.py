"""docs/openapi.json is what the code says."""

import json
from pathlib import Path

from local.gateway.docs import openapi


def test_the_committed_description_is_up_to_date() -> None:
    committed = json.loads(Path("docs/openapi.json").read_text())
    assert committed == openapi(), "run `make openapi` and commit docs/openapi.json"
