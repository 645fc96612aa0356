"""Presets through the real handlers: the studio's, which are public, and those of accounts."""

from typing import Any

import pytest

from shared.camera.catalogue import default_moves
from shared.jobs.store import jobs
from shared.presets import store
from shared.presets.presets import get_preset
from tests.support.cloud import nothing
from tests.support.life import tokens_honoured
from tests.support.studio import Answer, Creator, Studio

MOVE: dict[str, Any] = {"keyframes": [{"at": 0}, {"at": 1, "dolly": 0.4}], "easing": "linear"}
OWN = {"name": "Slow push", "description": "For harbours.", "category": "dolly", "config": MOVE}
PRESETS, OWNS = "/api/presets", "/api/presets/own"


@pytest.fixture
def admin(studio: Studio) -> Creator:
    one = studio.arrive("admin@example.com")
    one.operate()
    return one


def public(studio: Studio, path: str = PRESETS, known: str = "", **query: str) -> Answer:
    """Read presets without a token."""
    return studio.call("GET", path, query=query, headers={"if-none-match": known} if known else {})


def listed(studio: Studio, **query: str) -> list[str]:
    return [preset["id"] for preset in public(studio, **query).body["data"]]


def own(creator: Creator, **changed: Any) -> str:
    answer = creator.post(OWNS, OWN | changed)
    assert answer.status == 201, answer.body
    return str(answer.body["id"])


# --- the studio's


@pytest.mark.endpoint("GET /api/presets")
def test_anybody_may_list_and_cache_the_presets(studio: Studio, ada: Creator) -> None:
    answer = public(studio)
    assert [preset["id"] for preset in answer.body["data"]] == list(default_moves())
    assert all(p["isDefault"] and p["isPublic"] and p["userId"] is None for p in answer.body["data"])
    assert answer.headers["cache-control"] == "public, max-age=60"
    others = studio.call("GET", PRESETS, token=ada.token, headers={"accept-language": "de", "cookie": "a=b"})
    assert others.body == answer.body
    differs = {name for name, value in answer.headers.items() if others.headers[name] != value}
    assert differs <= {"ratelimit"}, "CloudFront, which caches the answer, removes it"
    again = public(studio, known=f'"other", W/{answer.headers["etag"]}')
    assert (again.status, again.body, again.headers["etag"]) == (304, "", answer.headers["etag"])
    assert public(studio, known='"other"').status == 200


def test_presets_are_found_by_category_and_words(studio: Studio) -> None:
    everything = public(studio).body["data"]
    for category in {preset["category"] for preset in everything}:
        assert listed(studio, category=category) == [p["id"] for p in everything if p["category"] == category]
    assert listed(studio, category="unheard-of") == []
    assert listed(studio, text="ZOOM crash") == ["crash-zoom-in", "crash-zoom-out"]
    assert listed(studio, text="crash", category="orbit") == []


@pytest.mark.endpoint("GET /api/presets/{preset_id}")
def test_a_preset_is_read_by_its_id(studio: Studio) -> None:
    answer = public(studio, f"{PRESETS}/crash-zoom-in")
    assert answer.body["config"]["keyframes"]
    assert public(studio, f"{PRESETS}/crash-zoom-in", known=answer.headers["etag"]).status == 304


def test_the_error_of_an_unknown_preset_names_the_nearest(studio: Studio, ada: Creator) -> None:
    for answer in (
        public(studio, f"{PRESETS}/crash-zoom"),
        ada.post("/api/jobs", {"projectId": ada.project(), "prompt": "a lighthouse", "presetId": "crash-zoom"}),
    ):
        assert (answer.status, answer.body["code"]) == (404, "preset_not_found")
        assert "crash-zoom-in" in answer.body["suggestions"]
        assert "crash-zoom-in" in answer.body["detail"]
    assert public(studio, f"{PRESETS}/qqqqqqqq").body["suggestions"] == []


@pytest.mark.endpoint("POST /api/presets", "PATCH /api/presets/{preset_id}")
def test_a_platform_admin_adds_and_changes_presets_of_the_studio(studio: Studio, ada: Creator, admin: Creator) -> None:
    made = admin.post(PRESETS, OWN).body
    assert (made["isDefault"], made["isPublic"], made["userId"], made["thumbnail"]) == (False, True, None, None)
    assert listed(studio)[-1] == made["id"]
    assert ada.job(ada.project())["status"]
    tag = public(studio, f"{PRESETS}/{made['id']}").headers["etag"]
    changed = admin.patch(f"{PRESETS}/{made['id']}", {"name": "Push", "isPublic": False}, match=tag)
    assert (changed.status, changed.body["name"], changed.body["isPublic"]) == (200, "Push", False)
    assert made["id"] not in listed(studio)
    assert public(studio, f"{PRESETS}/{made['id']}").headers["etag"] == changed.headers["etag"] != tag
    assert submitted(ada, made["id"]).status == 202
    stale = admin.patch(f"{PRESETS}/{made['id']}", {"name": "Late"}, match=tag)
    assert (stale.status, stale.headers["etag"]) == (412, changed.headers["etag"])


def test_a_built_in_preset_gets_other_labels_and_keeps_its_move(studio: Studio, admin: Creator) -> None:
    path, built_in = f"{PRESETS}/crash-zoom-in", get_preset("crash-zoom-in")
    tag = public(studio, path).headers["etag"]
    for refused in ({"config": MOVE}, {"category": "orbit"}):
        assert admin.patch(path, refused).body["code"] == "preset_built_in"
    renamed = admin.patch(path, {"name": "Slam", "isPublic": False}, match=tag)
    assert (renamed.body["name"], renamed.body["description"]) == ("Slam", built_in.description)
    assert admin.patch(path, {"name": "Late"}, match=tag).status == 412
    assert "crash-zoom-in" not in listed(studio)
    assert public(studio, path).body["name"] == "Slam"
    assert admin.patch(path, {"isPublic": True}).status == 200
    assert listed(studio) == list(default_moves())


# --- those of accounts


def submitted(creator: Creator, preset: str, **settings: Any) -> Answer:
    body = {"projectId": creator.project(), "prompt": "a lake", "presetId": preset, "settings": settings}
    return creator.post("/api/jobs", body)


@pytest.mark.endpoint("GET /api/presets/own", "GET /api/presets/own/{preset_id}")
def test_an_own_preset_is_private(studio: Studio, ada: Creator, eve: Creator) -> None:
    preset = own(ada)
    shown = ada.get(f"{OWNS}/{preset}").body
    assert (shown["userId"], shown["isPublic"], shown["isDefault"]) == (ada.user_id, False, False)
    assert [one["id"] for one in ada.list(OWNS)] == [preset]
    assert ada.list(OWNS, text="harbours", category="dolly") == [shown]
    assert ada.list(OWNS, text="river") == []
    assert eve.list(OWNS) == []
    assert preset not in listed(studio)
    assert public(studio, f"{PRESETS}/{preset}").status == 404
    for refused in (submitted(eve, preset), submitted(eve, "static", stack={"presetId": preset, "weight": 0.5})):
        assert (refused.status, refused.body["code"]) == (404, "preset_not_found")


@pytest.mark.endpoint(
    "POST /api/presets/own",
    "PATCH /api/presets/own/{preset_id}",
    "DELETE /api/presets/own/{preset_id}",
)
def test_a_job_keeps_the_move_of_a_preset_that_is_changed_or_deleted(ada: Creator) -> None:
    preset = own(ada)
    job = submitted(ada, preset, duration=4)
    assert (job.status, job.body["presetId"]) == (202, preset)
    assert ada.patch(f"{OWNS}/{preset}", {"config": {"keyframes": [{"at": 0.5}]}}).status == 200
    assert ada.delete(f"{OWNS}/{preset}").status == 204
    assert jobs.spec(job.body["id"]).move.keyframes[1].dolly == 0.4
    assert submitted(ada, preset).status == 404


def test_an_own_preset_can_be_stacked(ada: Creator) -> None:
    job = submitted(ada, "orbit-left", stack={"presetId": own(ada), "weight": 0.5})
    stacked = jobs.spec(job.body["id"]).move.stacked
    assert stacked
    assert stacked.move.keyframes[1].dolly == 0.4


@pytest.mark.parametrize(
    "config",
    [{"keyframes": []}, {"keyframes": [{"at": 0.5}, {"at": 0.5}]}, {"keyframes": [{"at": 0, "dolly": 1.1}]},
     {"keyframes": [{"at": 0, "speed": 1}]}, {"keyframes": [{"at": 0}], "minDurationSeconds": 9,
     "maxDurationSeconds": 2}, {"keyframes": [{"at": number / 40} for number in range(33)]},
     {"keyframes": [{"at": 0}], "stacked": {"move": MOVE}}],
)  # fmt: skip
def test_an_invalid_move_is_refused(studio: Studio, ada: Creator, config: dict[str, Any]) -> None:
    before = studio.dump()
    answer = ada.post(OWNS, OWN | {"config": config})
    assert (answer.status, answer.body["errors"][0]["field"].split(".")[0]) == (422, "config")
    assert studio.dump() == before


@pytest.mark.endpoint("POST /api/presets/{preset_id}/duplicate")
def test_every_built_in_preset_can_be_duplicated(ada: Creator) -> None:
    for preset in get_preset("dolly-in"), get_preset("head-tracking"):
        copied = ada.post(f"{PRESETS}/{preset.preset_id}/duplicate", {}).body
        assert (copied["name"], copied["isDefault"], copied["userId"]) == (preset.name, False, ada.user_id)
        assert submitted(ada, copied["id"]).status == submitted(ada, preset.preset_id).status
    again = ada.post(f"{PRESETS}/{copied['id']}/duplicate", {"name": "Mine"}).body
    assert (again["name"], again["config"]) == ("Mine", copied["config"])


def test_a_preset_of_an_organization_is_for_its_members(ada: Creator, eve: Creator) -> None:
    organization = ada.organization(credits=40)
    preset = own(ada, organizationId=organization)
    assert ada.list(OWNS) == []
    assert [one["id"] for one in ada.list(OWNS, organizationId=organization)] == [preset]
    assert eve.get(OWNS, organizationId=organization).status == 404
    project = ada.project(organization=organization)
    assert ada.post("/api/jobs", {"projectId": project, "prompt": "a lake", "presetId": preset}).status == 202
    assert submitted(ada, preset).status == 404, "the project's account has no such preset"


def test_an_account_has_a_number_of_presets(ada: Creator, eve: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_PRESETS", 2)
    own(ada), own(ada)
    assert ada.post(OWNS, OWN).body["code"] == "too_many_presets"
    assert ada.post(f"{PRESETS}/dolly-in/duplicate", {}).status == 409
    own(eve)


def test_an_own_preset_is_no_preset_of_the_studio(ada: Creator, admin: Creator) -> None:
    preset = own(ada)
    assert admin.patch(f"{PRESETS}/{preset}", {"name": "x"}).status == 404
    assert admin.patch(f"{OWNS}/{preset}", {"name": "x"}).status == 404
    assert ada.patch(f"{OWNS}/dolly-in", {"name": "x"}).status == 404
    assert ada.delete(f"{OWNS}/dolly-in").status == 404


# --- versions


def test_a_change_of_another_version_is_refused(studio: Studio, ada: Creator) -> None:
    path = f"{OWNS}/{own(ada)}"
    tag = ada.get(path).headers["etag"]
    first = ada.patch(path, {"name": "First"}, match=tag)
    assert first.headers["etag"] == ada.get(path).headers["etag"] != tag
    before = studio.dump()
    late = ada.patch(path, {"name": "Second"}, match=tag)
    assert (late.status, late.body["code"]) == (412, "precondition_failed")
    assert late.headers["etag"] == first.headers["etag"]
    assert studio.dump() == before
    several = ada.patch(path, {"description": None}, match=f'"x", {first.headers["etag"]}')
    assert (several.status, several.body["description"]) == (200, None)
    assert ada.patch(path, {"name": "Any"}, match="*").status == 200


def test_of_two_changes_of_one_version_one_wins(studio: Studio, ada: Creator) -> None:
    """The other one is written between the read and the write of the first."""
    path = f"{OWNS}/{own(ada)}"
    tag = ada.get(path).headers["etag"]

    def meanwhile(operation: str) -> None:
        if operation == "GetItem":
            studio.cloud.afterwards = nothing
            assert ada.patch(path, {"name": "Other"}).status == 200

    studio.cloud.afterwards = meanwhile
    assert ada.patch(path, {"name": "Mine"}, match=tag).status == 412
    assert ada.get(path).body["name"] == "Other"


def test_a_change_whose_answer_is_lost_succeeds_once(studio: Studio, ada: Creator) -> None:
    path = f"{OWNS}/{own(ada)}"
    tag = ada.get(path).headers["etag"]
    with tokens_honoured():
        studio.cloud.loses_once("TransactWriteItems")
        changed = ada.patch(path, {"name": "Mine"}, match=tag)
    assert (changed.status, changed.body["name"]) == (200, "Mine")
