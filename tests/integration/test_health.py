"""`/api/health`, which the probe from outside calls."""

import json

import pytest
from pynamodb.exceptions import GetError

from infra.constructs.probe import PROBED
from tests.support.studio import Studio

PROBE = PROBED["api"]


@pytest.mark.endpoint("GET /api/health")
def test_health_needs_no_token_and_is_not_cached(studio: Studio) -> None:
    answer = studio.call("GET", PROBE.path)
    assert (answer.status, answer.body) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"
    assert PROBE.text in json.dumps(answer.body, separators=(",", ":"))


def test_health_fails_if_the_tables_fail(studio: Studio) -> None:
    studio.cloud.broken["GetItem"] = GetError("x")
    answer = studio.call("GET", PROBE.path)
    assert answer.status == 500
    assert PROBE.text not in json.dumps(answer.body, separators=(",", ":"))
