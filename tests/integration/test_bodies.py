"""Bodies and headers as other clients send them: each refusal names the cause, and equal requests are equal."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.support import teams
from tests.support.endpoints import ApiEndpoint, endpoints, resolved
from tests.support.studio import Creator, Studio

NAMED = {"project": "{project}", "job": "job_1", "asset": "ast_1", "preset": "static", **teams.NAMED}
WITH_BODY = [endpoint for endpoint in endpoints() if endpoint.fields]
every_body = pytest.mark.parametrize("endpoint", WITH_BODY, ids=lambda endpoint: endpoint.name)
OTHER_TYPES = {
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain",
    "multipart": "multipart/form-data; boundary=x",
    "nothing": "",
}


@pytest.fixture(scope="module")
def world(deployment: Studio) -> tuple[Creator, Callable[[], None]]:
    """A creator who is a platform admin, and a function that brings her account back."""
    deployment.wipe()
    ada = deployment.arrive("ada@example.com")
    ada.operate()
    return ada, deployment.keep()


@pytest.fixture
def ada(world: tuple[Creator, Callable[[], None]]) -> Creator:
    creator, bring_back = world
    bring_back()
    return creator


@pytest.fixture
def studio(ada: Creator) -> Studio:
    return ada.studio


def good(endpoint: ApiEndpoint, project: str) -> tuple[str, dict[str, Any]]:
    """Return the path and a valid body of the endpoint."""
    body = json.dumps(endpoint.body(NAMED)).replace("{project}", project)
    return endpoint.request(NAMED)["path"].replace("{project}", project), json.loads(body)


@every_body
@pytest.mark.parametrize("sent", OTHER_TYPES.values(), ids=OTHER_TYPES.keys())
def test_a_body_of_another_type_is_refused_with_the_headers_name(
    studio: Studio, ada: Creator, endpoint: ApiEndpoint, sent: str
) -> None:
    path, body = good(endpoint, ada.project())
    before = studio.dump()
    answer = studio.call(endpoint.method, path, body, token=ada.token, headers={"content-type": sent})
    assert (answer.status, answer.body["code"]) == (415, "unsupported_media_type")
    assert "Content-Type: application/json" in answer.body["detail"]
    assert studio.dump() == before


@pytest.mark.parametrize("sent", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.kinora+json"])
def test_each_spelling_of_json_is_accepted(studio: Studio, ada: Creator, sent: str) -> None:
    answer = studio.call("POST", "/api/projects", {"name": "x"}, token=ada.token, headers={"content-type": sent})
    assert answer.status == 201


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        ('{"name": "x",}', "line 1, column 14"),
        ('{\n  "name": "x"\n  "b": 1\n}', "line 3, column 3"),
        ("{", "line 1, column 2"),
        ("name=x", "line 1, column 1"),
    ],
)
def test_the_refusal_of_broken_json_says_where_it_breaks(ada: Creator, raw: str, where: str) -> None:
    answer = ada.post("/api/projects", raw=raw)
    assert (answer.status, answer.body["code"]) == (400, "invalid_json")
    assert where in answer.body["detail"]


def numbers(schema: Mapping[str, Any], schemas: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[Any]:
    """Yield the path and the type of each number and truth value in the objects of a schema.

    A name that is already in the path is not followed: a stacked move may name a stack, which the API refuses.
    """
    for name, field in resolved(schema, schemas).get("properties", {}).items():
        types = {choice.get("type") for choice in field.get("anyOf", [field])}
        if found := types & {"number", "integer", "boolean"}:
            yield (*path, name), found
        elif name not in path:
            for choice in field.get("anyOf", [field]):
                yield from numbers(choice, schemas, (*path, name))


NUMBERS = [
    pytest.param(endpoint, path, types, id=f"{endpoint.name} {'.'.join(path)}")
    for endpoint in WITH_BODY
    for path, types in numbers(
        endpoint.operation["requestBody"]["content"]["application/json"]["schema"], endpoint.schemas
    )
]


def test_the_descriptions_have_numbers() -> None:
    assert len(NUMBERS) >= 6


@pytest.mark.parametrize(("endpoint", "path", "types"), NUMBERS)
def test_a_text_and_another_type_are_no_number(
    studio: Studio, ada: Creator, endpoint: ApiEndpoint, path: tuple[str, ...], types: set[str]
) -> None:
    for wrong in ("5", "true", 1 if types == {"boolean"} else True):
        address, body = good(endpoint, ada.project())
        place = body
        for name in path[:-1]:
            place = place.setdefault(name, {"presetId": "static"} if name == "stack" else {})
        place[path[-1]] = wrong
        answer = studio.call(endpoint.method, address, body, token=ada.token)
        assert answer.status == 422, (wrong, answer.body)
        assert ".".join(path) in answer.body["detail"], wrong


@pytest.mark.parametrize("character", ["\x00", "\n", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\u2066"])
def test_a_name_with_a_control_or_a_direction_override_is_refused(studio: Studio, ada: Creator, character: str) -> None:
    name = f"a{character}b"
    upload = {"name": name, "type": "IMAGE", "contentType": "image/png", "size": 10}
    register = {"email": "new@example.com", "password": "correct horse battery", "name": name}
    for path, body in (("projects", {"name": name}), ("assets/upload", upload), ("auth/register", register)):
        answer = ada.post(f"/api/{path}", body)
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, "name")
        assert f"U+{ord(character):04X}" in answer.body["detail"]


def test_names_of_all_scripts_are_accepted(ada: Creator) -> None:
    for name in ("Залив", "港の夜", "ليل الميناء\u200f", "👩\u200d🚀 film", "été"):
        assert ada.post("/api/projects", {"name": name}).body["name"] == name


@pytest.mark.parametrize("other", ['{ "name":"Harbour" }', '{"name": "\\u0048arbour"}', '{\n\t"name": "Harbour"\n}\n'])
def test_the_same_json_in_other_letters_is_the_same_request(ada: Creator, other: str) -> None:
    first = ada.post("/api/projects", raw='{"name": "Harbour"}', key="k")
    second = ada.post("/api/projects", raw=other, key="k")
    assert (second.status, second.body) == (201, first.body)
    assert second.headers["idempotent-replayed"] == "true"
    assert ada.post("/api/projects", raw='{"name": "Harbor"}', key="k").status == 422


def test_a_wrong_method_is_answered_with_the_right_ones(studio: Studio, ada: Creator) -> None:
    answer = studio.call("PUT", "/api/projects", {"name": "x"}, token=ada.token)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, POST"
    answer = studio.call("PUT", "/api/projects/prj_1", {"name": "x"}, token=ada.token)
    assert answer.headers["allow"] == "DELETE, GET, PATCH"


def test_a_refused_sign_in_names_the_scheme(studio: Studio) -> None:
    body = {"email": "ada@example.com", "password": "not the password"}
    answer = studio.call("POST", "/api/auth/login", body)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_every_answer_has_its_requests_id_and_is_not_stored(studio: Studio, ada: Creator) -> None:
    for answer in (
        ada.get("/api/projects"),
        ada.get("/api/jobs/job_1"),
        ada.post("/api/projects", {}),
        studio.call("PUT", "/api/projects", token=ada.token),
    ):
        assert (answer.headers["x-request-id"], answer.headers["cache-control"]) == ("req-1", "no-store")


@pytest.mark.parametrize("name", ["idempotency-key", "user-agent", "cookie", "origin", "x-kinora-refresh", "x-other"])
def test_a_header_that_is_not_utf8_is_no_fault_of_the_server(studio: Studio, ada: Creator, name: str) -> None:
    """The laptop's gateway delivers such a byte as a lone surrogate."""
    for method, path, body in (("POST", "/api/projects", {"name": "x"}), ("POST", "/api/auth/refresh", None)):
        answer = studio.call(method, path, body, token=ada.token, headers={name: "a\udcffb"})
        assert answer.status in {201, 401, 403, 422}, answer.body
