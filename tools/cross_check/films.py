"""One film through the API of any cloud, and what its state machine did."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from local.studio import StudioClient

# No driving clip, so that a stage is skipped: the choice must be the same in both clouds.
FILM = {
    "prompt": "a lighthouse at dusk",
    "presetId": "crash-zoom-in",
    "settings": {"duration": 1, "resolution": "480p", "seed": 7},
}


@dataclass(frozen=True)
class FilmHistory:
    """What a creator and an operator see of one job."""

    status: str
    events: tuple[str, ...]  # types of those that the socket told
    completed: tuple[str, ...]  # stages, in order
    states: tuple[str, ...]  # that the execution entered, in order
    job: dict[str, Any]


def make_film(api_url: str, socket_url: str, stepfunctions: Any, state_machine_arn: str) -> FilmHistory:
    """Sign up, submit, listen until the job has ended, and read the execution's history."""
    with closing(StudioClient(api_url, socket_url)) as studio:
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


def entered(stepfunctions: Any, execution_arn: str) -> tuple[str, ...]:
    """Names of the states that an execution entered, in order."""
    pages = stepfunctions.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return tuple(
        event["stateEnteredEventDetails"]["name"]
        for page in pages for event in page["events"] if "stateEnteredEventDetails" in event
    )  # fmt: skip
