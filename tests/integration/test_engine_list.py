"""The list of engines, and the headers of answers about engines that will be shut down."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from functions.engines import service
from shared.aws import clients
from shared.core.clock import utc_now
from shared.rest import sunset
from shared.stages.choice import in_order
from shared.stages.engines import ALL_ENGINES, ENGINES
from shared.stages.stages import Stage
from tests.support.studio import Answer, Creator, Studio

FAL_KEY = "kinora/test/fal-key"
ANNOUNCED, LAST = date(2026, 1, 1), date(2026, 7, 1)
PROVIDERS = [entry.name for entry in ALL_ENGINES if entry.key]
GOING = tuple(
    replace(entry, deprecated_at=ANNOUNCED, sunset_at=LAST) if entry.name == "parallax" else entry
    for entry in ALL_ENGINES
)


def engines(studio: Studio) -> dict[str, dict[str, Any]]:
    answer = studio.call("GET", "/api/engines")
    assert answer.status == 200
    return {engine["name"]: engine for engine in answer.body["data"]}


@pytest.fixture
def fal_key(studio: Studio) -> Iterator[None]:
    clients.secretsmanager().create_secret(Name=FAL_KEY, SecretString="x")
    yield
    clients.secretsmanager().delete_secret(SecretId=FAL_KEY, ForceDeleteWithoutRecovery=True)


@pytest.mark.endpoint("GET /api/engines")
def test_everybody_sees_all_engines_by_stage_and_caches_keep_the_answer(studio: Studio) -> None:
    answer = studio.call("GET", "/api/engines")
    assert answer.headers["cache-control"] == "public, max-age=300"
    shown = [(Stage(engine["stepType"]), engine["name"]) for engine in answer.body["data"]]
    assert set(shown) == {(entry.stage, entry.name) for entry in ALL_ENGINES}
    assert [stage for stage, _ in shown] == sorted((stage for stage, _ in shown), key=list(Stage).index)
    for stage in Stage:
        offered = [one["name"] for one in answer.body["data"] if one["stepType"] == stage and one["available"]]
        assert offered == [entry.name for entry in in_order(ENGINES) if entry.stage is stage and not entry.key]


def test_an_engine_shows_its_price_limits_and_licence(studio: Studio) -> None:
    found = engines(studio)
    assert found["parallax"]["price"] == [
        {"unit": "step", "credits": 1},
        {"unit": "second of the film", "credits": 0.5},
        {"unit": "picture after the first", "credits": 1},
    ]
    assert (found["parallax"]["available"], found["parallax"]["trained"]) == (True, False)
    kling, wan = found["fal-kling"], found["wan"]
    assert kling["limits"]["durations"] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert (kling["limits"]["maxPictures"], kling["limits"]["loops"], kling["fallback"]) == (1, False, "parallax")
    assert (kling["runs"], kling["family"], kling["trained"]) == ("remote", None, True)
    assert (wan["licence"]["name"], wan["licence"]["condition"]) == ("Apache-2.0", None)
    assert found["sana-wm"]["licence"]["condition"]
    assert set(kling["axes"]) < set(found["parallax"]["axes"])


def test_an_engine_that_is_not_available_has_a_reason(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = {name: engine["reason"] for name, engine in engines(studio).items() if not engine["available"]}
    gpus = dict.fromkeys(("flux2-klein", "sdxl", "wan", "sana-wm", "vace", "finish-swin2sr"), "no_gpu")
    assert reasons == gpus | dict.fromkeys(PROVIDERS, "no_key")
    yesterday = (utc_now() - timedelta(days=1)).date()
    old = tuple(replace(entry, sunset_at=yesterday) if entry.name == "finish" else entry for entry in ENGINES)
    monkeypatch.setattr(service, "ENGINES", old)
    finish = engines(studio)["finish"]
    assert (finish["available"], finish["reason"]) == (False, "past_sunset")
    assert finish["sunsetAt"] == yesterday.isoformat()


@pytest.mark.usefixtures("fal_key")
def test_a_remote_engine_is_available_while_its_key_is_stored(studio: Studio) -> None:
    kling = engines(studio)["fal-kling"]
    assert (kling["available"], kling["reason"]) == (True, None)


@pytest.mark.parametrize("has_key", [False, True])
def test_a_job_gets_an_available_engine_that_it_names_and_no_other(
    studio: Studio, ada: Creator, has_key: bool, request: pytest.FixtureRequest
) -> None:
    """The list and the plan of a job read the same catalogue, by different code."""
    if has_key:
        request.getfixturevalue("fal_key")
    project = ada.project()
    for name, engine in engines(studio).items():
        if engine["stepType"] == Stage.MOTION_TRANSFER:
            continue
        body = {
            "projectId": project, "prompt": "a lake", "settings": {"engines": {engine["stepType"]: name}},
        }  # fmt: skip
        answer = ada.post("/api/jobs/quote", body)
        assert (answer.status == 200) == engine["available"], (name, answer.body)
        if answer.status == 200:
            assert name in [step["engine"] for step in answer.body["steps"]]
        else:
            assert answer.body["code"] == "no_engine"


# --- shutdowns


def notice(answer: Answer) -> tuple[str | None, ...]:
    assert answer.status < 300, answer.body
    return tuple(answer.headers.get(name) for name in ("deprecation", "sunset", "link"))


def test_answers_about_a_job_announce_the_shutdown_of_its_engine(ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"projectId": ada.project(), "prompt": "a lake"}
    assert notice(ada.post("/api/jobs/quote", body)) == (None, None, None)
    before = ada.post("/api/jobs", body)
    assert notice(before) == notice(ada.get(f"/api/jobs/{before.body['id']}")) == (None, None, None)
    monkeypatch.setattr(sunset, "ALL_ENGINES", GOING)
    expected = (
        "@1767225600", "Wed, 01 Jul 2026 00:00:00 GMT", '</api/engines>; rel="deprecation"; type="application/json"',
    )  # fmt: skip
    answers = [ada.post("/api/jobs/quote", body), *(ada.post("/api/jobs", body, key="k") for _ in range(2))]
    assert answers[2].headers["idempotent-replayed"] == "true"
    answers.append(ada.get(f"/api/jobs/{answers[1].body['id']}"))
    assert [notice(answer) for answer in answers] == [expected] * 4
    assert notice(ada.get("/api/jobs")) == (None, None, None), "the list itself stays"


def test_the_first_sunset_of_several_engines_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    later = tuple(replace(e, sunset_at=date(2027, 1, 1)) if e.name == "finish" else e for e in GOING)
    monkeypatch.setattr(sunset, "ALL_ENGINES", later)
    both = [(Stage.POST_PROCESSING, "finish"), (Stage.VIDEO_SYNTHESIS, "parallax")]
    assert sunset.sunset_headers(both)["Sunset"] == "Wed, 01 Jul 2026 00:00:00 GMT"
    assert sunset.sunset_headers(both[:1])["Sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"
    assert "Deprecation" not in sunset.sunset_headers(both[:1])
