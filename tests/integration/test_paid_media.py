"""The signed URLs of a job (I12): they open previews only until the job is paid, and never the files of workers."""

import base64
import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from functions.realtime.snapshots import snapshot
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.events import StepCompleted, job_event
from shared.jobs.record import JobRecord
from shared.jobs.steps import steps
from shared.jobs.store import jobs
from shared.stages.stages import Stage
from shared.subscriptions.record import SubscriptionRecord
from tests.support.steps import LEASE, claim, complete_step, complete_steps, stored_keys, stored_result
from tests.support.studio import Creator, Studio

IMAGE, VIDEO, _, POST = Stage


def after(*stages: Stage) -> Callable[[str], object]:
    return lambda job_id: [complete_step(job_id, stage) for stage in stages]


def uploaded(job_id: str) -> None:
    """Store the film's files, and end the worker before it records them."""
    after(IMAGE, VIDEO)(job_id)
    attempt = claim(job_id, POST)
    stored_result(job_id, POST, attempt)
    steps.beat(job_id, POST, attempt=attempt, lease_until=utc_now() + LEASE, progress=(9, 70), preview=1, at=utc_now())


def ended(settle: Callable[..., JobRecord], **more: str) -> Callable[[str], object]:
    """Complete all steps, and then settle the job."""
    return lambda job_id: settle(complete_steps(job_id), at=utc_now(), **more)


UNPAID: dict[str, Callable[[str], object]] = {
    "picture": after(IMAGE),
    "clip": after(IMAGE, VIDEO),
    "film uploaded": uploaded,
    "film": complete_steps,
    "cancelled": ended(settlement.cancel),
    "failed": ended(settlement.fail, error="It broke."),
}


def everything_shown(studio: Studio, creator: Creator, job_id: str) -> list[Any]:
    """Return the job as each answer and event shows it, from its first change on."""
    at = utc_now()
    shown: list[Any] = [creator.get(f"/api/jobs/{job_id}").body, creator.list("/api/jobs")]
    shown.append(snapshot(jobs.get(job_id), at).model_dump(mode="json"))
    for change in studio.job_changes():
        if "OldImage" in change["dynamodb"]:
            old, new = (JobRecord.from_raw_data(change["dynamodb"][f"{name}Image"]) for name in ("Old", "New"))
            event = job_event(old, new, jobs.results(new), at)
            shown += [event.model_dump(mode="json")] if event else []
    return shown


def urls(shown: Any) -> Iterator[str]:
    for value in shown.values() if isinstance(shown, dict) else shown if isinstance(shown, list) else ():
        yield from urls(value)
    if isinstance(shown, str) and "Policy=" in shown:
        yield shown


def opened(studio: Studio, creator: Creator, job_id: str) -> set[str]:
    """Return the stored files that some signature of the job opens, by the last folders of their keys."""
    resources = set()
    for url in urls(everything_shown(studio, creator, job_id)):
        policy = parse_qs(urlsplit(url).query)["Policy"][0].translate(str.maketrans("-_~", "+=/"))
        resources.add(json.loads(base64.b64decode(policy))["Statement"][0]["Resource"])
    assert resources
    found = {
        key
        for key in stored_keys(job_id)
        if any(fnmatchcase(f"https://media.kinora.test/{key}", resource) for resource in resources)
    }
    return {key.removeprefix(f"jobs/{job_id}/").partition("/")[0] for key in found}


@pytest.mark.parametrize("moment", UNPAID.values(), ids=UNPAID.keys())
def test_a_job_that_is_not_paid_opens_previews_only(
    studio: Studio, ada: Creator, moment: Callable[[str], object]
) -> None:
    job_id = str(ada.job(ada.project())["id"])
    moment(job_id)
    assert opened(studio, ada, job_id) == {"previews"}
    shown = ada.get(f"/api/jobs/{job_id}").body
    assert all((step["status"] == "COMPLETED") == bool(step["resultUrl"]) for step in shown["steps"])
    assert [name for name in shown if name.endswith("Url") and shown[name]] == ["imageUrl"]
    assert shown["hlsPlaylist"] is None
    assert shown["scrubbingTrack"] is None


@pytest.mark.parametrize(
    ("plan", "places"),
    [("FREE", {"previews", "post_processing"}), ("PRO", {"previews", "post_processing", "image_generation"})],
)
def test_a_paid_job_opens_its_film_and_only_a_paid_plan_the_picture_without_a_mark(
    studio: Studio, ada: Creator, plan: str, places: set[str]
) -> None:
    SubscriptionRecord(ada.user_id, plan=plan, status="ACTIVE", updated_at=utc_now()).save()
    job_id = str(ada.job(ada.project())["id"])
    settlement.complete(complete_steps(job_id), at=utc_now())
    assert opened(studio, ada, job_id) == places


def test_the_event_of_a_completed_step_opens_its_preview(studio: Studio, ada: Creator) -> None:
    job_id = str(ada.job(ada.project())["id"])
    settlement.complete(complete_steps(job_id), at=utc_now())
    events = [shown for shown in everything_shown(studio, ada, job_id) if "result_url" in shown]
    assert len(events) == 3
    assert all(f"/jobs/{job_id}/previews/" in event["result_url"] for event in events)
    assert {event["type"] for event in events} == {StepCompleted.model_fields["type"].default}


def test_a_worker_that_writes_the_status_of_a_job_opens_nothing(studio: Studio, ada: Creator) -> None:
    """A worker's role may write `status`, but not the time of the job's end."""
    job_id = str(ada.job(ada.project())["id"])
    complete_steps(job_id)
    JobRecord(job_id).update([JobRecord.status.set("COMPLETED")])
    assert opened(studio, ada, job_id) == {"previews"}
