"""One film through the API of a cloud, and the history of its execution."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import av

from local.studio import StudioClient
from tools.cross_check.emulator import Emulator

# Without a driving clip a stage is skipped. Both clouds must skip the same stage.
FILM = {
    "prompt": "a lighthouse at dusk",
    "presetId": "crash-zoom-in",
    "settings": {"duration": 1, "resolution": "480p", "seed": 7},
}


@dataclass(frozen=True)
class FilmHistory:
    """The course of one job, as the API and the state machine report it."""

    status: str
    events: tuple[str, ...]  # types of the WebSocket events
    completed: tuple[str, ...]  # stages, in order
    states: tuple[str, ...]  # states that the execution entered, in order
    job: dict[str, Any]


def make_film(
    api_url: str,
    socket_url: str,
    stepfunctions: Any,
    state_machine_arn: str,
    headers: Mapping[str, str] | None = None,
    outbox_url: str | None = None,
) -> FilmHistory:
    """Sign up, submit a job, receive events until it ends, and read the execution's history."""
    with closing(StudioClient(api_url, socket_url, outbox_url)) as studio:
        studio.add_headers(headers or {})
        studio.sign_up(f"{uuid4().hex}@example.com", uuid4().hex)
        project_id = studio.create_project("Cross-check")
        job_id = studio.submit({**FILM, "projectId": project_id})["id"]
        events = list(studio.events(job_id))
        job = studio.job(job_id)
    execution = f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{job_id}"
    return FilmHistory(
        status=job["status"],
        events=tuple(event["type"] for event in events),
        completed=tuple(step["stepType"] for step in job["steps"] if step["status"] == "COMPLETED"),
        states=entered(stepfunctions, execution),
        job=job,
    )


def decoded(job: dict[str, Any], cloud: Emulator, path: Path) -> int:
    """Decode the job's film from the bucket and return the number of frames. MiniStack has no CloudFront."""
    key = job["videoUrl"].partition("?")[0].partition("/media/")[2]
    bucket = next(b["Name"] for b in cloud.client("s3").list_buckets()["Buckets"] if "-media-" in b["Name"])
    cloud.client("s3").download_file(bucket, key, str(path))
    with av.open(path) as container:
        return sum(1 for _ in container.decode(video=0))


def entered(stepfunctions: Any, execution_arn: str) -> tuple[str, ...]:
    """Return the names of the states that an execution entered, in order."""
    pages = stepfunctions.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return tuple(
        event["stateEnteredEventDetails"]["name"]
        for page in pages for event in page["events"] if "stateEnteredEventDetails" in event
    )  # fmt: skip
