"""Quotes: the price, the parts and the time of a job before its submit."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.assets.record import AssetStatus, AssetType
from shared.core.clock import utc_now
from shared.credits.store import credits
from shared.jobs import settlement
from shared.jobs.store import jobs
from shared.stages.frames import Resolution
from shared.stages.stages import Stage
from tests.support.steps import complete_steps
from tests.support.studio import Answer, Creator, Studio

PICTURE, FILM = Stage.IMAGE_GENERATION, Stage.POST_PROCESSING


def quoted(creator: Creator, project: str, prompt: str = "a lake", **more: Any) -> Answer:
    return creator.post("/api/jobs/quote", {"projectId": project, "prompt": prompt, **more})


@pytest.mark.endpoint("POST /api/jobs/quote")
def test_a_quote_explains_the_price_line_by_line_and_holds_nothing(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    before = studio.dump()
    body = quoted(ada, project, "a lake of perfume", settings={"duration": 7}, presetId="dolly-in").body
    assert [(step["stepType"], step["engine"], step["credits"]) for step in body["steps"]] == [
        ("IMAGE_GENERATION", "procedural", 1), ("VIDEO_SYNTHESIS", "parallax", 5), ("POST_PROCESSING", "finish", 1),
    ]  # fmt: skip
    assert body["steps"][1]["price"] == [
        {"unit": "step", "quantity": 1, "each": 1, "credits": 1},
        {"unit": "second of the film", "quantity": 7, "each": 0.5, "credits": 3.5},
    ]
    assert (body["credits"], body["balance"], body["sufficient"]) == (7, 100, True)
    assert (body["understood"], body["notUnderstood"], body["readAs"]) == (["lake"], ["perfume"], {})
    assert body["seconds"] is None, "nothing was measured yet"
    assert studio.dump() == before


def test_a_quote_shows_the_duration_and_the_ratio_that_the_film_gets(ada: Creator) -> None:
    portrait = ada.asset(width=1080, height=1920)
    body = quoted(ada, ada.project(), presetId="whip-pan", inputs=[{"role": "picture", "assetId": portrait}]).body
    submitted = ada.post(
        "/api/jobs",
        {
            "projectId": ada.project(),
            "prompt": "a lake",
            "presetId": "whip-pan",
            "inputs": [{"role": "picture", "assetId": portrait}],
        },
    ).body
    assert body["settings"] == submitted["settings"]
    assert body["settings"]["aspectRatio"] == "9:16"
    assert (body["understood"], body["notUnderstood"], body["readAs"]) == (None, None, None), "nothing is painted"


def test_a_shortfall_of_credits_is_an_answer(studio: Studio) -> None:
    poor = studio.arrive("poor@example.com", credits=3)
    answer = quoted(poor, poor.project())
    assert answer.status == 200
    assert (answer.body["credits"], answer.body["balance"], answer.body["sufficient"]) == (6, 3, False)


def test_the_caps_of_a_member_and_of_a_key_decide_whether_the_balance_is_sufficient(ada: Creator) -> None:
    organization = ada.organization(credits=50)
    bob, project = ada.hire(organization, "bob@example.com"), ada.project(organization=organization)
    member = f"/api/teams/{organization}/members/{bob.user_id}"
    for cap, sufficient in ((12, True), (5, False)):
        assert ada.patch(member, {"monthlyCap": cap}).status == 200
        body = quoted(bob, project).body
        assert (body["balance"], body["sufficient"]) == (50, sufficient)
    assert ada.patch(member, {"monthlyCap": 12}).status == 200
    assert bob.post("/api/jobs", {"projectId": project, "prompt": "a lake"}).status == 202
    assert quoted(bob, project).body["sufficient"], "6 of 12 credits are left"
    assert bob.post("/api/jobs", {"projectId": project, "prompt": "a lake"}).status == 202
    assert not quoted(bob, project).body["sufficient"]
    program, own = ada.key(monthlyCap=8), ada.project()
    assert quoted(program, own).body["sufficient"]
    assert program.post("/api/jobs", {"projectId": own, "prompt": "a lake"}).status == 202
    assert not quoted(program, own).body["sufficient"]


def test_a_full_queue_does_not_refuse_a_quote(studio: Studio) -> None:
    busy = studio.arrive("busy@example.com", credits=1000)
    project, body = busy.project(), {"prompt": "a lake"}
    while busy.post("/api/jobs", {**body, "projectId": project}).status == 202:
        pass
    assert quoted(busy, project).status == 200


@pytest.mark.parametrize(
    "more",
    [
        {"prompt": "quux"},
        {"presetId": "no-such-preset"},
        {"settings": {"duration": 30}},
        {"settings": {"engines": {"VIDEO_SYNTHESIS": "fal-kling"}}},
        {"settings": {"operations": ["upscale:9"]}},
        {"settings": {"style": "quux"}},
        {"inputs": [{"role": "picture", "assetId": "ast_1"}]},
        {"projectId": "prj_1"},
        {"prompt": ""},
    ],
    ids=str,
)
def test_a_quote_is_refused_as_its_submit_is(studio: Studio, ada: Creator, more: dict[str, Any]) -> None:
    body = {"projectId": ada.project(), "prompt": "a lake", **more}
    before = studio.dump()
    answers = [ada.post(path, body) for path in ("/api/jobs/quote", "/api/jobs")]
    assert [answer.status >= 400 for answer in answers] == [True, True]
    assert answers[0].body == answers[1].body
    assert studio.dump() == before


def test_an_asset_that_is_not_ready_refuses_a_quote(ada: Creator) -> None:
    asset = ada.asset(AssetType.IMAGE, AssetStatus.VERIFYING)
    answer = quoted(ada, ada.project(), inputs=[{"role": "picture", "assetId": asset}])
    assert (answer.status, answer.body["code"]) == (409, "asset_not_ready")


# --- the one planner


@pytest.fixture(scope="module")
def rich(deployment: Studio) -> Iterator[tuple[Creator, str, list[str]]]:
    deployment.wipe()
    with deployment.restored():
        rich = deployment.arrive("rich@example.com", credits=100_000)
        yield rich, rich.project(), [rich.asset(width=640, height=360) for _ in range(3)]


WISHES = st.fixed_dictionaries(
    {},
    optional={
        "duration": st.one_of(st.integers(1, 12), st.floats(1, 12).map(lambda seconds: round(seconds, 2))),
        "resolution": st.sampled_from(list(Resolution)).map(str),
        "aspectRatio": st.sampled_from(["16:9", "9:16", "1:1", "4:7"]),
        "operations": st.lists(st.sampled_from(["grain", "fade:in", "stabilise", "loop", "upscale:2"]), max_size=3),
        "loop": st.booleans(),
        "style": st.sampled_from(["oil", "quux"]),
        "stack": st.just({"presetId": "dolly-in", "weight": 0.3}),
        "engines": st.sampled_from([{"VIDEO_SYNTHESIS": "parallax"}, {"VIDEO_SYNTHESIS": "fal-kling"}, {}]),
        "strength": st.sampled_from([0, 0.5, 1]),
    },
)


@pytest.mark.parametrize("examples", [12, pytest.param(150, marks=pytest.mark.slow)])
def test_a_submit_costs_at_most_what_was_quoted(
    deployment: Studio, rich: tuple[Creator, str, list[str]], examples: int
) -> None:
    creator, project, pictures = rich

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(
        wishes=WISHES,
        preset=st.sampled_from(["crash-zoom-in", "dolly-in", "handheld", "whip-pan"]),
        prompt=st.sampled_from(["a lake", "a lighthouse of perfume", "quux"]),
        used=st.integers(0, 3),
    )
    def holds(wishes: dict[str, Any], preset: str, prompt: str, used: int) -> None:
        deployment.refill_quotas()
        inputs = [{"role": "picture", "assetId": asset} for asset in pictures[:used]]
        body = {
            "projectId": project, "prompt": prompt, "presetId": preset, "settings": wishes, "inputs": inputs,
        }  # fmt: skip
        quote = creator.post("/api/jobs/quote", body)
        most = quote.body.get("credits", 0)
        submit = creator.post("/api/jobs", body | {"maxCredits": most})
        if submit.status != 202:
            assert (quote.status, quote.body) == (submit.status, submit.body)
            return
        job, offer = submit.body, quote.body
        assert creator.post("/api/jobs", body | {"maxCredits": most - 1}).body["code"] == "max_credits_exceeded"
        assert (
            offer["credits"] == sum(step["credits"] for step in offer["steps"]) == credits.get_hold(job["id"]).credits
        )
        assert [(step["stepType"], step["engine"]) for step in offer["steps"]] == [
            (step["stepType"], step["engine"]) for step in job["steps"]
        ]
        assert offer["settings"] == job["settings"]
        assert all(offer[words] == job[words] for words in ("understood", "notUnderstood", "readAs"))
        before = credits.account(creator.user_id)
        settlement.complete(complete_steps(job["id"]), at=utc_now())
        after = credits.account(creator.user_id)
        charged = int(before.available + before.held - after.available - after.held)
        assert 0 < charged <= offer["credits"]
        assert jobs.get(job["id"]).captured

    holds()
