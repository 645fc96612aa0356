"""The charges of providers are booked apart from credits, so the margin of an engine can be read."""

from datetime import UTC, datetime

import pytest
from pynamodb.exceptions import PutError

from shared.aws import clients
from shared.charges.record import ProviderChargeRecord
from shared.charges.store import charges
from shared.core.clock import utc_now
from shared.credits.store import credits
from shared.jobs import settlement
from shared.jobs.store import jobs
from shared.jobs.tickets import tickets
from shared.stages.stages import Stage
from tests.support.steps import claim, complete_step, complete_steps
from tests.support.studio import Creator, Studio
from tools.margins import cents_of_a_credit, margins

VIDEO = Stage.VIDEO_SYNTHESIS
REMOTE = {"engines": {"VIDEO_SYNTHESIS": "fal-kling"}, "duration": 5}
CENTS = 5 * 8.4  # of one request


@pytest.fixture(scope="module", autouse=True)
def provider(deployment: Studio) -> None:
    clients.secretsmanager().create_secret(Name="kinora/test/fal-key", SecretString="fal")


@pytest.fixture
def job_id(ada: Creator) -> str:
    """A job whose clip a provider makes, after one submission."""
    made = str(ada.job(ada.project(), **REMOTE)["id"])
    complete_step(made, Stage.IMAGE_GENERATION)
    attempt = claim(made, VIDEO)
    tickets.intend(made, VIDEO, attempt=attempt, engine="fal-kling", held=None, at=utc_now())
    tickets.store(made, VIDEO, "ticket-1", attempt=attempt)
    return made


def booked() -> list[ProviderChargeRecord]:
    return list(charges.of_month(f"{utc_now():%Y-%m}"))


def test_a_failed_job_costs_the_operator_what_the_provider_charges(ada: Creator, job_id: str) -> None:
    settlement.fail(jobs.get(job_id), error="The provider refused the clip.", at=utc_now())
    settlement.fail(jobs.get(job_id), error="The provider refused the clip.", at=utc_now())
    [row] = booked()
    assert (row.engine, row.requests, row.cents, row.credits) == ("fal-kling", 1, CENTS, 0)
    assert credits.account(ada.user_id).available == 100, "the creator pays nothing"


def test_a_completed_step_has_the_credits_that_its_creator_paid(ada: Creator, job_id: str) -> None:
    [step] = [one for one in ada.get(f"/api/jobs/{job_id}").body["steps"] if one["stepType"] == VIDEO]
    assert step["engine"] == "fal-kling"
    settlement.fail(jobs.get(job_id), error="x", at=utc_now())
    other = ada.job(ada.project(), **REMOTE)["id"]
    complete_step(other, Stage.IMAGE_GENERATION)
    attempt = claim(other, VIDEO, utc_now().replace(year=2020))
    tickets.intend(other, VIDEO, attempt=attempt, engine="fal-kling", held=None, at=utc_now())
    for stage in (VIDEO, Stage.POST_PROCESSING):
        complete_step(other, stage)
    settlement.complete(jobs.get(other), at=utc_now())
    [one] = margins(booked())
    assert (one.engine, one.steps, one.requests, one.credits) == ("fal-kling", 2, 2, 55)
    assert one.charged_cents == pytest.approx(2 * CENTS)
    assert one.margin_cents == pytest.approx(55 * cents_of_a_credit() - 2 * CENTS)


def test_a_job_without_a_provider_is_not_booked_and_reads_nothing_more(studio: Studio, ada: Creator) -> None:
    job_id = ada.job(ada.project())["id"]
    complete_steps(job_id)
    settlement.complete(jobs.get(job_id), at=utc_now())
    assert booked() == []


def test_a_charge_that_cannot_be_booked_does_not_stop_the_end_of_the_job(
    ada: Creator, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise PutError("no answer")

    monkeypatch.setattr(charges, "book", fails)
    assert settlement.cancel(jobs.get(job_id), at=utc_now()).status == "CANCELLED"


def test_the_report_sums_by_engine() -> None:
    at = datetime(2026, 11, 3, tzinfo=UTC)
    rows = [
        ProviderChargeRecord("2026-11", f"job_{n}#{VIDEO}", engine=engine, requests=1, cents=cents, credits=10, at=at)
        for n, (engine, cents) in enumerate((("a", 5), ("b", 50), ("a", 7.5)))
    ]
    assert [(one.engine, one.steps, one.charged_cents, one.credits) for one in margins(rows)] == [
        ("b", 1, 50.0, 10), ("a", 2, 12.5, 20),
    ]  # fmt: skip
