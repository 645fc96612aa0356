"""Metrics: each event is counted once, when it has happened."""

import io
import json
from collections import Counter
from datetime import timedelta
from functools import reduce

import pytest
from botocore.exceptions import EndpointConnectionError

from functions.pipeline import reconcile
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.store import jobs
from shared.observability import JOB_ACCEPTED, JOBS_BY, Metric
from shared.subscriptions.plans import PLANS
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from tests.support.steps import complete_steps
from tests.support.stripe import buy, charge_of, deliver, new_events
from tests.support.studio import PASSWORD, Creator, Studio


class Measured:
    """Sums of the metrics that were written since the last call of `new`."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def new(self) -> Counter[str]:
        sums = Counter[str]()
        for line in self._capsys.readouterr().out.splitlines():
            entry = json.loads(line)
            for metric in entry.get("_aws", {}).get("CloudWatchMetrics", ()):
                for name in (one["Name"] for one in metric["Metrics"]):
                    sums[name] += int(sum(entry[name]))
        return sums


@pytest.fixture
def measured(capsys: pytest.CaptureFixture[str]) -> Measured:
    return Measured(capsys)


def test_a_sign_up_counts_when_its_address_is_proved(studio: Studio, measured: Measured) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}
    studio.call("POST", "/api/auth/register", body)
    assert measured.new() == {}
    link = {"token": studio.mailed("ada@example.com")}
    studio.call("POST", "/api/auth/verify-email", link)
    assert measured.new() == {Metric.SIGN_UPS: 1, Metric.CREDITS_GRANTED: 100}
    studio.call("POST", "/api/auth/verify-email", link)
    studio.call("POST", "/api/auth/register", body)
    assert measured.new() == {}


def test_paid_invoices_and_refunds_count_once(studio: Studio, ada: Creator, measured: Measured) -> None:
    """Revenue is what Stripe says that a customer has paid, however often its events come."""
    seen, books, price = len(studio.stripe.books.events), studio.stripe.books, PLANS[PlanType.PRO].price
    assert price
    session = buy(ada, plan="PRO")
    paid = new_events(studio, seen)
    deliver(studio, [*paid, *paid])
    found = measured.new()
    assert (found[Metric.REVENUE_CENTS], found[Metric.REFUNDED_CENTS]) == (price.cents, 0)
    books.refund(charge_of(studio, session), 1000)
    later = new_events(studio, seen)
    deliver(studio, [*later, *later])
    found = measured.new()
    assert (found[Metric.REVENUE_CENTS], found[Metric.REFUNDED_CENTS]) == (0, 1000)


def test_an_accepted_job_is_logged_with_the_fields_that_the_dashboard_counts(ada: Creator, logged: io.StringIO) -> None:
    ada.job(ada.project())
    line = next(one for one in map(json.loads, logged.getvalue().splitlines()) if one["message"] == JOB_ACCEPTED)
    shown = {title: reduce(dict.__getitem__, field.split("."), line) for title, field in JOBS_BY.items()}
    assert shown == {
        "preset": "crash-zoom-in", "engine of the clip": "parallax", "engine of the picture": "procedural",
        "plan": "FREE",
    }  # fmt: skip


@pytest.mark.parametrize("plan", PlanType)
def test_captured_credits_count_as_paid_only_under_a_paid_plan(
    ada: Creator, measured: Measured, plan: PlanType
) -> None:
    subscriptions.put(ada.user_id, plan, SubscriptionStatus.ACTIVE, at=utc_now())
    job_id = str(ada.job(ada.project())["id"])
    held = measured.new()
    assert held == {Metric.JOBS_CREATED: 1, Metric.CREDITS_HELD: 6}
    subscriptions.put(ada.user_id, PlanType.FREE, SubscriptionStatus.ACTIVE, at=utc_now())  # meanwhile
    settlement.complete(complete_steps(job_id), at=utc_now())
    settlement.complete(jobs.get(job_id), at=utc_now())
    paid = {Metric.PAID_CREDITS_CAPTURED: 6} if plan.paid else {}
    assert measured.new() == {Metric.JOBS_COMPLETED: 1, Metric.CREDITS_CAPTURED: 6, **paid}


def test_a_failed_job_counts_no_captured_credits(ada: Creator, measured: Measured) -> None:
    job_id = str(ada.job(ada.project())["id"])
    measured.new()
    settlement.fail(jobs.get(job_id), error="x", at=utc_now())
    assert measured.new() == {Metric.JOBS_FAILED: 1}


def test_the_sweep_that_charges_a_completed_job_counts_its_credits(ada: Creator, measured: Measured) -> None:
    job = complete_steps(str(ada.job(ada.project())["id"]))
    JobRecord(job.job_id).update([JobRecord.status.set(JobStatus.COMPLETED.value)])
    measured.new()
    job = jobs.get(job.job_id)
    assert settlement.end_hold(job.job_id, job, at=utc_now())
    assert not settlement.end_hold(job.job_id, job, at=utc_now())
    assert measured.new() == {Metric.CREDITS_CAPTURED: 6}


def test_a_sweep_counts_unless_it_fails_for_every_job(ada: Creator, studio: Studio, measured: Measured) -> None:
    at = utc_now() + timedelta(hours=3)
    reconcile.sweep(at)
    assert measured.new()[Metric.SWEEPS] == 1
    project = ada.project()
    for _ in range(2):
        ada.job(project)
    measured.new()
    studio.cloud.broken["TransactWriteItems"] = EndpointConnectionError(endpoint_url="x")
    reconcile.sweep(at)
    assert measured.new()[Metric.SWEEPS] == 0
    studio.cloud.broken.clear()
    reconcile.sweep(at)
    assert measured.new()[Metric.SWEEPS] == 1
