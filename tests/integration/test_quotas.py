"""Quotas (I17): accepted requests are at most burst + rate x time, for each principal and class of routes."""

import math
import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.functions import REST_DOMAINS
from shared.core.clock import utc_now
from shared.credentials import passwords
from shared.quotas.classes import QUOTAS, Quota, RouteClass
from shared.quotas.record import QuotaRecord
from shared.quotas.store import QuotaStore, Remaining, TooManyRequests
from tests.support.endpoints import PUBLIC, ApiEndpoint, endpoints
from tests.support.studio import Answer, Creator, Studio

BEGUN = utc_now().replace(microsecond=0)
READ = RouteClass.READ
SMALL = Quota(burst=5, per_minute=60)
PROJECT = {"name": "Harbour at night"}


def take(store: QuotaStore, after: float = 0.0, quota: Quota = SMALL, principal: str = "usr_1") -> Remaining | None:
    """Take one request. Return None if it is refused."""
    try:
        return store.take(READ, principal, quota, at=BEGUN + timedelta(seconds=after))
    except TooManyRequests:
        return None


# --- the bucket


def test_a_bucket_accepts_its_burst_and_then_its_rate(studio: Studio) -> None:
    store = QuotaStore()
    assert [rest.requests if (rest := take(store)) else None for _ in range(7)] == [4, 3, 2, 1, 0, None, None]
    assert [take(store, after) is not None for after in (0.9, 1.0, 1.5, 2.0, 2.0)] == [False, True, False, True, False]
    assert [take(store, 60) is not None for _ in range(7)] == [True] * 5 + [False] * 2


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pauses=st.lists(st.sampled_from([0.0, 0.0, 0.01, 0.3, 1.0, 7.0]), min_size=1, max_size=40),
    processes=st.lists(st.integers(0, 2), min_size=40, max_size=40),
    burst=st.integers(1, 6),
    per_minute=st.sampled_from([6, 60, 600]),
)
def test_accepted_requests_are_bounded_in_every_interval(
    studio: Studio, pauses: list[float], processes: list[int], burst: int, per_minute: int
) -> None:
    """Three processes share the bucket. Each knows only what it has seen."""
    studio.wipe()
    quota, stores = Quota(burst=burst, per_minute=per_minute), [QuotaStore() for _ in range(3)]
    after, accepted = 0.0, []
    for pause, process in zip(pauses, processes, strict=False):
        after += pause
        if take(stores[process], after, quota):
            accepted.append(after)
    for first, begun in enumerate(accepted):
        for count, ended in enumerate(accepted[first:], 1):
            assert count <= burst + math.floor((ended - begun) * per_minute / 60 + 1e-6)


def test_a_principal_that_waits_as_told_is_accepted(studio: Studio) -> None:
    store, quota, after = QuotaStore(), Quota(burst=2, per_minute=6), 0.0
    for _ in range(3):
        while take(store, after, quota):
            pass
        with pytest.raises(TooManyRequests) as refused:
            store.take(READ, "usr_1", quota, at=BEGUN + timedelta(seconds=after))
        after += float(refused.value.facts["headers"]["Retry-After"])
        assert take(store, after, quota)


def test_a_process_that_knows_that_a_bucket_is_empty_calls_nothing(studio: Studio) -> None:
    """Otherwise each refused request of a flood would cost a write."""
    store = QuotaStore()
    while take(store):
        pass
    studio.cloud.calls.clear()
    assert [take(store, after) for after in (0.0, 0.5, 0.9)] == [None, None, None]
    assert studio.cloud.calls == []


def test_a_request_costs_one_write(studio: Studio) -> None:
    store = QuotaStore()
    take(store)
    studio.cloud.calls.clear()
    for after in (0.0, 0.1, 5.0, 100.0):
        assert take(store, after)
    assert studio.cloud.calls == ["UpdateItem"] * 4


def test_principals_and_classes_have_their_own_buckets(studio: Studio) -> None:
    store = QuotaStore()
    while take(store):
        pass
    assert take(store, principal="usr_2")
    assert store.take(RouteClass.WRITE, "usr_1", SMALL, at=BEGUN)


def test_a_bucket_expires_after_it_is_full(studio: Studio) -> None:
    take(QuotaStore())
    [row] = QuotaRecord.query("read#usr_1")
    assert BEGUN + timedelta(seconds=5) < row.expires_at < BEGUN + timedelta(hours=2)


def test_a_request_whose_answer_is_lost_is_accepted(studio: Studio) -> None:
    store = QuotaStore()
    studio.cloud.loses_once("UpdateItem")
    assert take(store)
    assert 3 <= len([rest for _ in range(5) if (rest := take(store))]) <= 4


def test_rates_are_whole_milliseconds() -> None:
    """A rounded rate would be another one than the headers state. Storms and strangers multiply it by 100."""
    for quota in (one.times(factor) for one in QUOTAS.values() for factor in (1, 100)):
        assert quota.refill_ms * quota.per_minute == 60_000
        assert quota.window_seconds * quota.per_minute == quota.burst * 60


# --- the API


def emptied(studio: Studio, monkeypatch: pytest.MonkeyPatch, *names: RouteClass) -> None:
    """Give these classes a quota of one request in an hour."""
    for name in names:
        monkeypatch.setitem(QUOTAS, name, Quota(burst=1, per_minute=1, open=QUOTAS[name].open))


@pytest.fixture
def slow_refill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotas that get no request back during a test, however slow the machine is."""
    for name in (READ, RouteClass.WRITE):
        monkeypatch.setitem(QUOTAS, name, replace(QUOTAS[name], per_minute=1))


def request(creator: Creator, endpoint: ApiEndpoint) -> Answer:
    kinds = ("project", "job", "asset", "preset", "organization", "member", "invite", "session", "key", "webhook",
             "delivery", "user", "engine", "share")  # fmt: skip
    ids = dict.fromkeys(kinds, "unknown")
    given: dict[str, Any] = endpoint.request(ids)
    return creator.studio.call(token=creator.token, **given)


FOLLOWS = ("retry", "continue", "final", "extend")  # jobs that follow from a job


@pytest.mark.parametrize("endpoint", endpoints(), ids=lambda endpoint: endpoint.name)
def test_every_route_has_a_quota(ada: Creator, monkeypatch: pytest.MonkeyPatch, endpoint: ApiEndpoint) -> None:
    """The second request in a quota of one is refused, whatever the first one got."""
    emptied(ada.studio, monkeypatch, *RouteClass)
    first, second = request(ada, endpoint), request(ada, endpoint)
    [name] = re.findall(r'^"([a-z-]+)";q=1;w=60$', first.headers["ratelimit-policy"])
    public = {
        "POST /api/auth/register": "sign-up", "POST /api/auth/login": "sign-in", "POST /api/errors": "report",
        "GET /api/presets": "read", "GET /api/presets/{preset_id}": "read", "GET /api/shares/{share_id}": "read",
        "GET /api/health": "read", "GET /api/engines": "read",
        "POST /api/billing/webhook": "webhook",
        "POST /api/auth/forgot-password": "sign-up",
        "POST /api/auth/reset-password": "sign-in",
    }  # fmt: skip
    kind = "read" if endpoint.permissions and endpoint.permissions[0].endswith(":read") else "write"
    kind = public.get(endpoint.name, "session") if endpoint.name in PUBLIC else kind
    other = {"POST /api/jobs/quote": "read", "POST /api/auth/ws-ticket": "session"}
    other |= {f"POST /api/jobs{of}": "spend" for of in ("", *(f"/{{job_id}}/{verb}" for verb in FOLLOWS))}
    assert name == other.get(endpoint.name, kind)
    assert first.headers["ratelimit"] == f'"{name}";r=0;t=60'
    assert (second.status, second.body["code"]) == (429, "too_many_requests")
    assert 1 <= int(second.headers["retry-after"]) <= 60
    assert second.headers["ratelimit-policy"] == first.headers["ratelimit-policy"]
    assert second.headers["ratelimit"].startswith(f'"{name}";r=0;t=')


@pytest.mark.usefixtures("slow_refill")
def test_an_error_states_the_rest_of_the_quota(ada: Creator) -> None:
    for number in (1, 2, 3):
        answer = ada.get("/api/jobs/job_unknown")
        assert answer.status == 404
        assert answer.headers["ratelimit"].startswith(f'"read";r={300 - number};t=')


@pytest.mark.usefixtures("slow_refill")
def test_a_replayed_response_states_the_rest_of_the_quota(ada: Creator) -> None:
    for number in (1, 2):
        assert ada.post("/api/projects", PROJECT, key="k").headers["ratelimit"].startswith(f'"write";r={120 - number};')


def test_one_creator_does_not_use_up_the_quota_of_another(
    ada: Creator, eve: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied(ada.studio, monkeypatch, READ)
    assert [ada.get("/api/projects").status, ada.get("/api/jobs").status] == [200, 429]
    assert eve.get("/api/projects").status == 200
    assert ada.post("/api/projects", PROJECT).status == 201


def test_clients_without_a_session_have_a_quota_for_each_address(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied(studio, monkeypatch, RouteClass.SIGN_UP)
    monkeypatch.setattr(passwords, "password_hash", lambda _: "")
    body = {"email": "ada@example.com", "password": "a lighthouse at dusk"}

    def register(client: str) -> int:
        return studio.call(
            "POST", "/api/auth/register", body, headers={"x-forwarded-for": f"{client}, 203.0.113.1"}
        ).status

    assert [register("192.0.2.1"), register("192.0.2.1"), register("192.0.2.2")] == [202, 429, 202]
    studio.cloud.may_scan = True
    assert [row.bucket for row in QuotaRecord.scan() if "192.0.2" in row.bucket] == []


def test_a_request_without_a_permission_counts(ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    emptied(ada.studio, monkeypatch, READ)
    context = {
        "userId": ada.user_id,
        "accountId": ada.user_id,
        "role": "OWNER",
        "scopes": "",
        "expiresAt": "99999999999",
    }
    statuses = [ada.studio.call("GET", "/api/jobs", authorizer=context).status for _ in range(2)]
    assert statuses == [403, 429]


@pytest.mark.parametrize("name", RouteClass)
def test_without_the_table_only_what_costs_nothing_is_accepted(
    ada: Creator, monkeypatch: pytest.MonkeyPatch, name: RouteClass
) -> None:
    """The error of one table; others answer."""

    def fail(*_: object, **__: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    monkeypatch.setattr(QuotaRecord, "update", fail)
    route = {
        RouteClass.SIGN_UP: "POST /api/auth/register", RouteClass.SIGN_IN: "POST /api/auth/login",
        RouteClass.SESSION: "POST /api/auth/refresh", READ: "GET /api/projects",
        RouteClass.WRITE: "POST /api/projects", RouteClass.SPEND: "POST /api/jobs",
        RouteClass.REPORT: "POST /api/errors", RouteClass.WEBHOOK: "POST /api/billing/webhook",
    }[name]  # fmt: skip
    [endpoint] = [one for one in endpoints() if one.name == route]
    before = ada.studio.dump()
    answer = request(ada, endpoint)
    if name in {READ, RouteClass.REPORT, RouteClass.WEBHOOK}:
        assert answer.status in {200, 204, 400}  # the webhook has no signature
        assert "ratelimit" not in answer.headers
    else:
        assert (answer.status, answer.body["code"]) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert ada.studio.dump() == before


def test_every_rest_function_may_count() -> None:
    for domain in REST_DOMAINS:
        assert QuotaRecord in domain.function.may.reads
        assert QuotaRecord in domain.function.may.writes


@pytest.mark.usefixtures("slow_refill")
def test_the_remaining_requests_decrease_by_one(ada: Creator) -> None:
    rest = [int(ada.get("/api/projects").headers["ratelimit"].split(";")[1][2:]) for _ in range(5)]
    assert {before - after for before, after in pairwise(rest)} == {1}
