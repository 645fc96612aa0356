"""docs/errors.md has a row for each code that the API can answer."""

import json
import re

from clients.python.kinora.codes import CODES
from local.environment import ROOT

ROW = re.compile(r"^\| `(\w+)` \| (\d{3}) \| (.+) \| (.+) \|$", re.MULTILINE)
EVERYWHERE = {
    "invalid_json": 400, "unauthorized": 401, "forbidden": 403, "precondition_failed": 412, "payload_too_large": 413,
    "unsupported_media_type": 415, "invalid": 422,
    "too_many_requests": 429, "internal": 500, "unavailable": 503,
}  # fmt: skip


def statuses() -> dict[str, int]:
    """Return the status of each code that docs/openapi.json names, and of those of each operation."""
    found = dict(EVERYWHERE)
    for operations in json.loads((ROOT / "docs/openapi.json").read_text())["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                for code in re.findall(r"`(\w+)`", response.get("description", "").partition("Codes:")[2]):
                    found.setdefault(code, int(status))
    return found


def test_each_code_has_a_row_with_its_status() -> None:
    rows = {code: int(status) for code, status, _, _ in ROW.findall((ROOT / "docs/errors.md").read_text())}
    assert set(rows) == {*CODES, *EVERYWHERE}
    known = statuses()
    assert {code: status for code, status in rows.items() if code in known} == {
        code: status for code, status in known.items() if code in rows
    }
    assert all(status == 404 for code, status in rows.items() if code not in known)
