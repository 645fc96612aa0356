"""The counted operations of one job: its requests, its steps by real runners, its events, and its end."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any

import tests.conftest  # noqa: F401  # sets the variables that records read at import

# isort: split
from functions.realtime import connect, disconnect, push, subscribe
from functions.webhooks import notify
from infra.functions import JOBS_STREAM, WEBHOOKS_STREAM
from local.environment import ROOT
from shared.access.permissions import AccountRole
from shared.access.principal import Principal
from shared.core.clock import utc_now
from shared.stages.stages import Stage
from tests.support.life import Life, World, no_beats
from tests.support.studio import Creator, studio
from tools.prices import PLANNED
from tools.units import Meter, metered
from workers.runtime.beat import TICK_SECONDS, write_due
from workers.runtime.config import WorkerConfig

SOCKET = "c"
SETTINGS = {"duration": 5}


@dataclass(frozen=True)
class JobFlow:
    """The numbers of operations of one job from a prompt, with a page of the studio that shows it."""

    meter: Meter
    beats: int  # writes of progress and leases by workers
    extensions: int  # requests that extend a message's visibility
    messages: int
    transitions: int
    functions: Mapping[str, int]  # calls, by kind: rest, authorizer, pipeline, stream, socket, notice
    requests: int  # to the REST API
    socket_messages: int  # from and to the socket
    changes: int  # records of the stream
    aws: Mapping[str, int]  # calls of AWS operations from submit to settle, without beats

    @property
    def calls(self) -> int:
        return sum(self.functions.values())


def one_job(work_seconds: Mapping[Stage, float]) -> JobFlow:
    """Make a film of five seconds as the studio does. `work_seconds` is the time of each step, with even progress."""
    config = WorkerConfig()
    beats = sum(len(written_at(work_seconds[stage], config)) for stage in PLANNED)
    with studio() as deployed, no_beats():
        creator = deployed.arrive("ada@example.com")
        project_id = creator.project()
        with metered() as meter:
            connect.handler(_of_socket(creator), None)
            requests = [
                creator.list("/api/projects"),
                creator.post(
                    "/api/jobs/quote", {"projectId": project_id, "prompt": "a lighthouse at dusk", "settings": SETTINGS}
                ),
            ]
            deployed.cloud.calls.clear()
            life = Life(creator, project_id, World(settings=SETTINGS))
            life.run()
            aws = Counter(deployed.cloud.calls)
            channel = {"type": "subscribe", "channel": f"job:{life.job_id}"}
            subscribe.handler(_of_socket(creator, channel), None)
            requests += [creator.get(f"/api/jobs/{life.job_id}") for _ in range(3)]
            requests.append(creator.list("/api/jobs", projectId=project_id))
            changes = deployed.job_changes()
            _deliver(changes)
            events, before = len(deployed.cloud.sent), meter.total_read
            _deliver([_of_progress(changes)])
            read_by_a_beat = meter.total_read - before
            disconnect.handler(_of_socket(creator), None)
        messages = deployed.cloud.calls.count("SendMessage")
    meter.units["jobs"] += beats  # test_a_beat_costs_one_unit
    meter.requests += beats
    meter.read["listeners"] += (beats - 1) * read_by_a_beat
    changed = len(changes) + beats
    readers = len((*JOBS_STREAM, *WEBHOOKS_STREAM))
    rest = len(requests) + 1  # the submit
    return JobFlow(
        meter=meter,
        beats=beats,
        extensions=sum(ceil(work_seconds[stage] / config.beat_seconds) - 1 for stage in PLANNED),
        messages=messages,
        transitions=transitions(),
        functions=Counter(
            rest=rest,
            authorizer=2,  # for the requests, whose answer API Gateway keeps, and for the socket
            pipeline=len(Stage) + aws["Invoke"] + 1,  # dispatch also skips; the grants; settle
            stream=readers * changed,  # at most one call for each record
            socket=3,
            notice=1,
        ),
        requests=rest,
        socket_messages=2 + events + beats,
        changes=changed,
        aws=aws,
    )


def transitions() -> int:
    """Return the state transitions of an execution: each state once, and the start."""
    machine = json.loads((ROOT / "stepfunctions" / "generate_video.asl.json").read_text())
    return len(machine["States"]) + 1


def written_at(takes_seconds: float, config: WorkerConfig) -> list[tuple[float, int]]:
    """Return the time of each beat that writes, in seconds, and its percentage, for work with even progress."""
    due, seconds, last, written = list[tuple[float, int]](), 0.0, 0.0, 0
    while (seconds := seconds + TICK_SECONDS) < takes_seconds:
        percent = int(100 * seconds / takes_seconds)
        if write_due(seconds - last, percent - written, config):
            due.append((seconds, percent))
            last, written = seconds, percent
    return due


def _of_socket(creator: Creator, body: object = None) -> dict[str, Any]:
    """Return an event of the creator's socket."""
    caller = Principal(
        creator.user_id, creator.user_id, role=AccountRole.OWNER, expires_at=utc_now() + timedelta(minutes=10)
    )
    return {
        "requestContext": {"connectionId": SOCKET, "authorizer": caller.context()},
        "body": None if body is None else json.dumps(body),
    }


def _deliver(changes: Sequence[dict[str, Any]]) -> None:
    """Give the changes to the readers of the stream."""
    for reader in (push, notify):
        if (answer := reader.handler({"Records": list(changes)}, None)) != {"batchItemFailures": []}:
            raise RuntimeError(str(answer))


def _of_progress(changes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a change of a running step's progress, as a beat writes it."""
    running = next(one for one in changes if one["dynamodb"].get("NewImage", {}).get("status") == {"S": "RUNNING"})
    image = running["dynamodb"]["NewImage"]
    newer = image | {"progress": {"N": "7"}, "seq": {"N": str(int(image["seq"]["N"]) + 1)}}
    return running | {"dynamodb": running["dynamodb"] | {"OldImage": image, "NewImage": newer}}
