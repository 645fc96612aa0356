"""Bad input: it never yields 5xx (I16), and each refusal is problem+json with a reason."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.functions import REST_DOMAINS
from tests.support import teams
from tests.support.endpoints import endpoints, is_allowed
from tests.support.studio import Answer, Creator, Studio

JOBS, PROJECTS, UPLOAD, ASSETS = "/api/jobs", "/api/projects", "/api/assets/upload", "/api/assets"
# A request of each route with a body, from the OpenAPI documents. New routes are included automatically.
NAMED = {"project": "{project}", "job": "job_1", "asset": "ast_1", **teams.NAMED}
FIELDS = {(e.method, e.request(NAMED)["path"]): e.fields for e in endpoints() if e.fields}
GOOD: dict[tuple[str, str], dict[str, Any]] = {
    (e.method, e.request(NAMED)["path"]): e.body(NAMED) or {} for e in endpoints() if e.fields
}
ROUTES = list(GOOD)
IDS = [f"{method} {path}" for method, path in ROUTES]
every_route = pytest.mark.parametrize("route", ROUTES, ids=IDS)

RAW = {
    "nothing": "",
    "not JSON": "{",
    "not an object": "[]",
    "null": "null",
    "a string": '"x"',
    "a number": "7",
    "NaN": "NaN",
    "NaN inside": '{"name": NaN, "prompt": NaN, "email": NaN, "size": NaN, "assetId": NaN}',
    "Infinity inside": '{"name": Infinity, "prompt": -Infinity, "email": Infinity, "size": Infinity, "assetId": 1e999}',
    "a huge number": '{"size": ' + "9" * 400 + "}",
    "a number longer than Python reads": '{"size": ' + "9" * 5000 + "}",
    "deep arrays": "[" * 10_000 + "]" * 10_000,
    "deep objects": '{"settings": ' * 10_000 + "1" + "}" * 10_000,
    "deep inside a field": '{"name": ' + "[" * 10_000 + "]" * 10_000 + "}",
    "a lone surrogate for a value": r'{"name": "\ud800", "prompt": "\udfff", "email": "\ud800", "assetId": "\ud800"}',
    "a lone surrogate for a key": r'{"\ud800": 1}',
    "an unknown field": '{"isAdmin": true}',
    "a key twice": '{"name": "a", "name": 7}',
    "bytes before the JSON": "\x00{}",
}


@pytest.fixture(scope="module")
def world(deployment: Studio) -> tuple[Creator, str, Callable[[], None]]:
    """A creator, her project, and a function that brings both back."""
    deployment.wipe()
    ada = deployment.arrive("ada@example.com")
    teams.found(ada)
    return ada, ada.project(), deployment.keep()


@pytest.fixture
def ada(world: tuple[Creator, str, Callable[[], None]]) -> Creator:
    creator, _, bring_back = world
    bring_back()
    return creator


@pytest.fixture
def studio(ada: Creator) -> Studio:
    return ada.studio


@pytest.fixture
def project(world: tuple[Creator, str, Callable[[], None]]) -> str:
    return world[1]


def send(ada: Creator, route: tuple[str, str], project: str, body: object = None, raw: str | None = None) -> Answer:
    method, path = route
    text = raw if raw is not None else json.dumps(body)
    text, path = text.replace("{project}", project), path.replace("{project}", project)
    return ada.studio.call(method, path, token=ada.token, raw=text)


def check_refused(answer: Answer, what: object = "") -> None:
    """Check that the answer is a 4xx problem+json with all documented fields."""
    assert 400 <= answer.status < 500, what
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["status"] == answer.status
    assert isinstance(answer.body["code"], str)
    assert answer.body["code"]
    assert isinstance(answer.body["detail"], str)
    assert answer.body["detail"]
    assert answer.body["requestId"] == "req-1"


@every_route
def test_the_valid_example_is_accepted(ada: Creator, project: str, route: tuple[str, str]) -> None:
    """This shows that the refusals below have the expected reason."""
    answer = send(ada, route, project, GOOD[route])
    expected = {
        "/api/auth/login": 401, "/api/auth/verify-email": 409, "/api/auth/reset-password": 409, ASSETS: 404,
        "/api/teams/accept": 409, f"{JOBS}/job_1/continue": 404, f"{JOBS}/job_1/extend": 404,
        f"{JOBS}/job_1/retry": 404, f"{JOBS}/job_1/final": 404,
        "/api/assets/import-output": 404,
        "/api/shares": 404, "/api/presets/pre_1": 404,  # of an account, not of the studio
        "/api/auth/me": 409, "/api/auth/totp/enable": 409,
    }.get(route[1])  # fmt: skip
    if route == ("DELETE", "/api/auth/totp"):  # there is none
        expected = 409
    assert answer.status == expected or (expected is None and answer.status < 300), answer.body


@every_route
@pytest.mark.parametrize("raw", RAW.values(), ids=RAW.keys())
def test_invalid_bodies_are_refused(studio: Studio, ada: Creator, project: str, route: tuple[str, str],
                                    raw: str) -> None:  # fmt: skip
    before = studio.dump()
    check_refused(send(ada, route, project, raw=raw))
    assert studio.dump() == before


@every_route
def test_every_field_refuses_values_of_other_types(
    studio: Studio, ada: Creator, project: str, route: tuple[str, str]
) -> None:
    good, before = GOOD[route], studio.dump()
    for name in good:
        for wrong in ({}, {"a": 1}, True, 10**30, 1.5, "\x00\x1b", "x" * 10_000):
            if is_allowed(FIELDS[route][name], wrong):
                continue
            check_refused(send(ada, route, project, good | {name: wrong}), (name, wrong))
    assert studio.dump() == before


@every_route
def test_unknown_fields_are_refused(ada: Creator, project: str, route: tuple[str, str]) -> None:
    for field in ("isAdmin", "ownerId", "userId", "credits", "status", "accountId", "__proto__"):
        answer = send(ada, route, project, GOOD[route] | {field: "x"})
        check_refused(answer, field)
        assert answer.body["errors"][0]["field"] == field


SETTINGS: dict[str, list[Any]] = {
    "duration": [0, -5, 0.999, 30.001, 1e300, "5 s", None, [5]],
    "aspectRatio": ["16:10", "", "0:0", "16/9", 1.78],
    "resolution": ["1081p", "", 1080, "8k"],
    "fps": [0, 23, 24.5, 10**12, "24 fps"],
    "seed": [-1, 2**32, 2**64, 1.5, "x"],
    "strength": [-0.01, 1.01, "much"],
    "style": ["x" * 61, 7],
    "operations": [["x"] * 9, [""], ["x" * 61], "grade", [1]],
    "unknown": [1],
}


@pytest.mark.parametrize(("name", "values"), SETTINGS.items(), ids=SETTINGS.keys())
def test_settings_out_of_range_are_refused(
    studio: Studio, ada: Creator, project: str, name: str, values: list[Any]
) -> None:
    good, before = GOOD["POST", JOBS], studio.dump()
    for value in values:
        answer = send(ada, ("POST", JOBS), project, good | {"settings": {name: value}})
        check_refused(answer, value)
        assert answer.body["errors"][0]["field"].startswith(f"settings.{name}")
    assert studio.dump() == before


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_settings_must_be_finite(ada: Creator, project: str, number: str) -> None:
    for name in ("duration", "strength", "seed", "fps"):
        raw = (
            f'{{"projectId": "{project}", "prompt": "lake", "presetId": "static", "settings": {{"{name}": {number}}}}}'
        )
        check_refused(send(ada, ("POST", JOBS), project, raw=raw))


def test_a_duration_outside_the_range_of_the_preset_is_refused(ada: Creator, project: str) -> None:
    good = GOOD["POST", JOBS]
    answer = send(ada, ("POST", JOBS), project, good | {"presetId": "crash-zoom-in", "settings": {"duration": 8.0}})
    check_refused(answer)
    assert "1 to 5 seconds" in answer.body["detail"]


@pytest.mark.parametrize("prompt", ["", "   ", "\n\t", "x" * 10_000, "x" * 2001, None, 7, ["a lighthouse"]])
def test_prompts_that_are_empty_or_too_long_are_refused(
    studio: Studio, ada: Creator, project: str, prompt: Any
) -> None:
    before = studio.dump()
    check_refused(send(ada, ("POST", JOBS), project, GOOD["POST", JOBS] | {"prompt": prompt}))
    assert studio.dump() == before


@pytest.mark.parametrize(
    "prompt", ["x" * 2000, "灯台 🌊", "\u0000", "a\r\nb", "<script>", "${jndi:x}", "\u202e", "' OR 1=1"]
)
def test_any_text_is_a_prompt_and_is_returned_unchanged(ada: Creator, project: str, prompt: str) -> None:
    answer = send(
        ada,
        ("POST", JOBS),
        project,
        GOOD["POST", JOBS] | {"prompt": prompt, "settings": {"allowUnrelatedPicture": True}},
    )
    assert answer.status == 202
    assert ada.get(f"{JOBS}/{answer.body['id']}").body["prompt"] == prompt


INPUTS: list[Any] = [
    [{}], [{"role": "picture"}], [{"role": "picture", "assetId": ""}], [{"role": "clip", "assetId": "ast_1"}],
    [{"role": "picture", "assetId": "../x"}], [{"role": "picture", "assetId": "ast_\x00"}], [1], [None], {}, "ast_1",
    [{"role": "picture", "assetId": "x" * 65}], [{"role": "picture", "assetId": "ast_1", "key": "assets/other/x"}],
    [{"role": "picture", "assetId": "ast_unknown"}],
]  # fmt: skip


@pytest.mark.parametrize("inputs", INPUTS, ids=json.dumps)
def test_invalid_inputs_are_refused(studio: Studio, ada: Creator, project: str, inputs: Any) -> None:
    before = studio.dump()
    check_refused(send(ada, ("POST", JOBS), project, GOOD["POST", JOBS] | {"inputs": inputs}))
    assert studio.dump() == before


@pytest.mark.parametrize(
    "changed",
    [{"size": 0}, {"size": -1}, {"size": 200 * 2**20 + 1}, {"size": 10**30}, {"contentType": "text/html"},
     {"contentType": "image/png\r\nx: y"}, {"contentType": "image/"}, {"type": "FILM"}, {"type": "image"},
     {"name": ""}, {"name": "x" * 201}, {"projectId": ""}, {"projectId": "../x"}, {"key": "assets/x"},
     {"status": "READY"}],
    ids=json.dumps,
)  # fmt: skip
def test_uploads_of_other_types_or_sizes_are_refused(studio: Studio, ada: Creator, project: str,
                                                     changed: dict[str, Any]) -> None:  # fmt: skip
    before = studio.dump()
    check_refused(send(ada, ("POST", UPLOAD), project, GOOD["POST", UPLOAD] | changed))
    assert studio.dump() == before


@pytest.mark.parametrize("path", ["/api/jobs", "/api/projects", "/api/assets"])
@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "101"}, {"limit": "-1"}, {"limit": "x"}, {"limit": "9" * 30}, {"limit": "NaN"},
     {"limit": ""}, {"cursor": ""}, {"cursor": "x" * 1001}, {"cursor": "a.b"}, {"cursor": "\x00"}, {"cursor": "é"},
     {"cursor": "job_1\n"}],
    ids=json.dumps,
)  # fmt: skip
def test_invalid_paging_is_refused(ada: Creator, path: str, query: dict[str, str]) -> None:
    check_refused(ada.get(path, **query))


ODD_IDS = ["%00", "a%0Ab", "job_\x00", "job_\x1b[2J", "a b", "é", "..", "x" * 65, "job_1\n", "💥", "%2e%2e%2f", "*"]


@pytest.mark.parametrize("odd", ODD_IDS, ids=ascii)
def test_odd_ids_in_paths_are_not_found_or_refused(ada: Creator, odd: str) -> None:
    for domain in ("jobs", "projects", "assets", "presets", "teams"):
        check_refused(ada.get(f"/api/{domain}/{odd}"), domain)
        if domain != "presets":
            check_refused(ada.delete(f"/api/{domain}/{odd}"), domain)
    check_refused(ada.post(f"/api/jobs/{odd}/cancel"))
    check_refused(ada.patch(f"/api/projects/{odd}", {"name": "x"}))
    check_refused(ada.get("/api/jobs", projectId=odd))


@pytest.mark.parametrize("domain", REST_DOMAINS, ids=lambda domain: domain.name)
def test_unknown_paths_and_methods_are_answered_with_problems(ada: Creator, domain: Any) -> None:
    for method, path in (
        ("GET", f"/api/{domain.name}/x/y/z"),
        ("PUT", f"/api/{domain.name}"),
        ("TRACE", f"/api/{domain.name}"),
        ("GET", f"/api/{domain.name}/"),
    ):
        check_refused(ada.studio.call(method, path, token=ada.token), (method, path))


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_other_media_types_than_json_are_refused(ada: Creator, content_type: str) -> None:
    """A form on another site's page can send these without a preflight request."""
    answer = ada.studio.call(
        "POST", PROJECTS, {"name": "Harbour"}, token=ada.token, headers={"content-type": content_type}
    )
    check_refused(answer)


# --- the content of a refusal


@pytest.mark.parametrize("path", ["/api/auth/register", "/api/auth/login"])
def test_a_refusal_never_repeats_the_password(studio: Studio, path: str) -> None:
    secret = "hunter2-hunter2-secret"
    bodies: list[dict[str, Any]] = [
        {"email": "not an address", "password": secret},
        {"email": "ada@example.com", "password": secret * 20},
        {"email": "ada@example.com", "password": {"value": secret}},
        {"email": "ada@example.com", "password": [secret]},
        {"password": secret},
        {"email": "ada@example.com", "password": secret, "extra": secret},
        {"email": secret, "password": secret},
    ]
    for body in bodies:
        answer = studio.call("POST", path, body)
        check_refused(answer, body)
        assert secret not in json.dumps(answer.body)
    raw = f'{{"email": "ada@example.com", "password": "{secret}", "x": NaN}}'
    assert secret not in json.dumps(studio.call("POST", path, raw=raw).body)


def test_a_refusal_is_short_for_any_number_of_faults(ada: Creator) -> None:
    """A Lambda's answer is limited to 6 MB; an answer that repeats a large body would exceed it."""
    many = {f"unknown{number}": 1 for number in range(20_000)}
    for body in (many, {"x" * 500_000: 1}, {"é" * 500_000: 1}, {"name": ["x"] * 10_000}):
        answer = ada.post(PROJECTS, body)
        check_refused(answer)
        assert len(json.dumps(answer.body)) < 10_000


def test_an_internal_error_is_a_problem_without_internals(studio: Studio, ada: Creator) -> None:
    studio.cloud.broken["Query"] = RuntimeError("the secret reason")
    answer = ada.get(JOBS)
    assert (answer.status, answer.body["code"], answer.body["requestId"]) == (500, "internal", "req-1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in json.dumps(answer.body)


# --- arbitrary JSON

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("examples", [10, pytest.param(100, marks=pytest.mark.slow)])
@every_route
def test_no_json_yields_5xx(deployment: Studio, route: tuple[str, str], examples: int) -> None:
    deployment.wipe()
    ada = deployment.arrive("ada@example.com", credits=10**6)
    teams.found(ada)
    project = ada.project()
    names = list(GOOD[route])

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(
        st.dictionaries(st.sampled_from(names), ANY_JSON, max_size=len(names)),
        st.sampled_from([{}, GOOD[route]]),
    )
    def fuzz(changed: dict[str, Any], base: dict[str, Any]) -> None:
        answer = send(ada, route, project, base | changed)
        assert answer.status < 500
        if answer.status >= 400:
            check_refused(answer)

    fuzz()
