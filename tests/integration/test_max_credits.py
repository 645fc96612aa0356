"""`maxCredits`: a job whose price is higher than its request allows is refused, and nothing is held."""

from typing import Any

import pytest

from local.imitation.service import Service
from shared.aws import media
from shared.core.clock import utc_now
from shared.credits.store import credits
from shared.jobs.store import jobs
from shared.providers.store import FAILURES_TO_OPEN, states
from shared.stages.stages import Stage
from tests.integration.test_job_origins import completed, no_beat, run, submitted
from tests.integration.test_provider_faults import providers, service
from tests.support.studio import Answer, Creator, Studio

CHEAP, DEAR = 9, 12  # credits of a film whose picture luma-uni or stability-ultra makes
FILM = 6  # credits of a film whose picture our painter makes

__all__ = ["no_beat", "providers", "service"]  # fixtures


def exceeded(answer: Answer) -> tuple[int, int]:
    """Return the price and the maximum that the refusal names."""
    assert (answer.status, answer.body["code"]) == (409, "max_credits_exceeded"), answer.body
    return answer.body["creditsNeeded"], answer.body["maxCredits"]


def film(creator: Creator, **more: Any) -> dict[str, Any]:
    return {"projectId": creator.project(), "prompt": "a lake", **more}


@pytest.fixture
def quoted(providers: Service, ada: Creator, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A request with the price of its quote as the maximum. The table has a dearer row for the same film."""
    monkeypatch.setenv("KINORA_DEFAULT_ENGINES", "luma-uni,stability-ultra")
    body = film(ada)
    return body | {"maxCredits": ada.post("/api/jobs/quote", body).body["credits"]}


def open_circuit() -> None:
    """Take luma-uni out of the table after the quote."""
    for _ in range(FAILURES_TO_OPEN):
        states.failed("luma-uni", at=utc_now())


def test_a_job_whose_price_has_risen_since_its_quote_is_refused_and_can_be_accepted(
    studio: Studio, ada: Creator, quoted: dict[str, Any]
) -> None:
    assert quoted["maxCredits"] == CHEAP
    open_circuit()
    before = studio.dump()
    assert exceeded(ada.post("/api/jobs", quoted, key="k")) == (DEAR, CHEAP)
    assert studio.dump() == before
    again = ada.post("/api/jobs/quote", quoted)
    assert again.body["credits"] == DEAR, "a quote is not refused"
    accepted = ada.post("/api/jobs", quoted | {"maxCredits": DEAR}, key="k")
    assert (accepted.status, accepted.body["credits"]) == (202, DEAR), "a refusal does not use up its key"


def test_an_accepted_request_that_is_repeated_gets_its_job_at_a_higher_price(
    ada: Creator, quoted: dict[str, Any]
) -> None:
    first = ada.post("/api/jobs", quoted, key="k")
    open_circuit()
    assert ada.post("/api/jobs", quoted, key="k").body == first.body
    assert credits.account(ada.user_id).held == CHEAP


def test_the_maximum_of_a_batch_is_for_all_its_jobs(studio: Studio, ada: Creator) -> None:
    body = film(ada, count=3)
    assert ada.post("/api/jobs/quote", body).body["credits"] == 3 * FILM
    before = studio.dump()
    assert exceeded(ada.post("/api/jobs", body | {"maxCredits": 3 * FILM - 1})) == (3 * FILM, 3 * FILM - 1)
    assert studio.dump() == before
    assert len(ada.post("/api/jobs", body | {"maxCredits": 3 * FILM}).body["batch"]) == 3


@pytest.mark.parametrize("how", ["retry", "continue", "final", "extend"])
def test_each_job_that_starts_from_an_older_one_has_the_maximum(studio: Studio, ada: Creator, how: str) -> None:
    """Its refusal names the price, for which these requests have no quote. A maximum of 0 asks for it."""
    match how:
        case "retry":
            older = run(studio, submitted(ada), fails_in=Stage.POST_PROCESSING).job_id
        case "continue":
            older = completed(studio, ada, until="IMAGE_GENERATION")
        case "final":
            older = completed(studio, ada, settings={"draft": True})
        case _:
            older = completed(studio, ada)
    path, before, files = f"/api/jobs/{older}/{how}", studio.dump(), set(media.keys(""))
    price, most = exceeded(ada.post(path, {"maxCredits": 0}))
    assert most == 0
    assert exceeded(ada.post(path, {"maxCredits": price - 1})) == (price, price - 1)
    assert (studio.dump(), set(media.keys(""))) == (before, files)
    made = ada.post(path, {"maxCredits": price})
    assert (made.status, made.body["credits"], jobs.get(made.body["id"]).credits) == (202, price, price)


def test_a_maximum_is_checked_before_the_balance(studio: Studio) -> None:
    poor = studio.arrive("poor@example.com", credits=FILM - 1)
    assert exceeded(poor.post("/api/jobs", film(poor, maxCredits=FILM - 2))) == (FILM, FILM - 2)
    assert poor.post("/api/jobs", film(poor, maxCredits=FILM)).body["code"] == "not_enough_credits"


def test_a_test_key_costs_nothing_within_any_maximum(ada: Creator) -> None:
    program = ada.key(test=True)
    assert program.post("/api/jobs", film(ada, maxCredits=0)).body["credits"] == 0


@pytest.mark.parametrize("most", [-1, 1.5, "6", True])
def test_a_maximum_is_a_number_of_credits(ada: Creator, most: Any) -> None:
    answer = ada.post("/api/jobs", film(ada, maxCredits=most))
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "maxCredits")
