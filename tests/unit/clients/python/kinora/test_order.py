import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clients.python.kinora.models import Event, Job, JobCompleted, JobProgress, JobSnapshot
from clients.python.kinora.order import Order, applied, event_of

NEW_JOB: Any = Job.model_construct
JOB = NEW_JOB(id="job_1", seq=0, status="PENDING", progress=0, steps=[])
LAST = 9


def snapshot(seq: int) -> JobSnapshot:
    status = "COMPLETED" if seq == LAST else "RUNNING"
    return JobSnapshot.model_construct(
        type="job.snapshot", job_id="job_1", seq=seq, job=JOB.model_copy(update={"seq": seq, "status": status})
    )


def progress(seq: int) -> Event:
    if seq == LAST:
        return JobCompleted(type="job.completed", job_id="job_1", seq=seq, video_url="v", thumbnail_url=None)
    return JobProgress(type="job.progress", job_id="job_1", seq=seq, progress=seq, current_step=None, status="RUNNING")


@given(seed=st.integers(0, 10**6), cuts=st.integers(0, 3))
def test_events_are_in_order_and_each_comes_once_whatever_the_network_does(seed: int, cuts: int) -> None:
    """Each connection begins with events, a snapshot and more events, shuffled and repeated. The last one ends."""
    dice, order, seen = random.Random(seed), Order(), list[int]()
    ended = list[bool]()
    for connection in range(cuts + 1):
        order.connected()
        seqs = [dice.randint(0, LAST - 1) for _ in range(12)] + [LAST] * (connection == cuts)
        events: list[Event] = [progress(seq) for seq in seqs]
        events.insert(dice.randint(0, len(events)), snapshot(dice.randint(0, LAST - 1)))
        for event in events:
            assert not order.ended or list(order.take(event)) == []
            seen += [one.seq for one in order.take(event)]
            ended.append(order.ended)
    assert seen == sorted(set(seen))
    assert seen[-1] == LAST
    assert order.ended


def test_an_event_before_the_snapshot_waits_for_it() -> None:
    order = Order()
    order.connected()
    assert list(order.take(progress(5))) == []
    assert [event.seq for event in order.take(snapshot(4))] == [4, 5]


def test_a_snapshot_of_an_ended_job_is_the_last_event() -> None:
    order = Order()
    assert [event.seq for event in order.take(snapshot(LAST))] == [LAST]
    assert order.ended
    assert list(order.take(progress(LAST))) == []


def test_a_job_follows_its_events() -> None:
    job = applied(JOB, progress(4))
    assert (job.progress, job.status, job.seq) == (4, "RUNNING", 4)
    assert applied(job, progress(LAST)).video_url == "v"
    assert applied(job, snapshot(7)).seq == 7


def test_an_event_that_only_a_newer_client_knows_is_ignored() -> None:
    assert event_of({"type": "job.praised", "jobId": "job_1", "seq": 3}) is None


def test_a_status_that_only_a_newer_client_knows_is_read() -> None:
    sent = {"type": "job.progress", "jobId": "j", "seq": 1, "progress": 2, "currentStep": None, "status": "PAUSED"}
    event = event_of(sent | {"aNewField": 1})
    assert isinstance(event, JobProgress)
    assert event.status == "PAUSED"  # type: ignore[comparison-overlap]  # not in this version's types
