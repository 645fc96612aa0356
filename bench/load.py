"""`python -m bench.load [jobs]`: thousands of queued jobs with scripted engines, in one process, on DynamoDB Local.

It measures requests with an empty queue and with the full queue, then drains the queue. The exit status is 1 if a job
fails, if a request uses other units, or if its 99th percentile exceeds 1.3 times that of the empty queue.
It reports how far the accounts are from a fair order, and does not fail for it: the standard queue of moto keeps no
order of accounts, and SQS fair queues do that in AWS.
"""

import json
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import pytest

import tests.conftest  # noqa: F401  # sets the variables that records read at import

# isort: split
from functions.pipeline import dispatch, settle
from shared.aws import clients
from shared.aws.records import connection
from shared.jobs.record import JobStatus
from shared.jobs.store import jobs
from shared.stages.stages import Stage
from tests.support.dynamodb_local import dynamodb_local, missing
from tests.support.steps import complete_step
from tests.support.studio import Creator, Studio, studio

ACCOUNTS = 10
ROUNDS = 100  # measured requests of each kind
MOST_P99 = 1.3  # times that of the empty queue


@dataclass
class RequestCost:
    """Seconds and DynamoDB units of each request of one kind."""

    seconds: list[float] = field(default_factory=list)
    units: Counter[float] = field(default_factory=Counter)

    @property
    def p99(self) -> float:
        return quantiles(self.seconds, n=100)[-1]


@dataclass
class LoadedStudio:
    """The deployment, its creators with their projects, and the state machine's work in order."""

    deployed: Studio
    creators: list[tuple[Creator, str]]
    started: deque[str] = field(default_factory=deque)  # jobs whose execution has started
    units: float = 0  # used since the last request began

    def watch(self) -> None:
        """Count the units of all calls of the table client, and record executions instead of starting them in moto."""
        events = connection().client.meta.events
        events.register("provide-client-params.dynamodb", self._ask)
        events.register("after-call.dynamodb", self._count)
        clients.stepfunctions().meta.events.register_first("before-call.sfn.StartExecution", self._start)

    def _ask(self, params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def _count(self, parsed: dict[str, Any], **_: Any) -> None:
        used = parsed.get("ConsumedCapacity", [])
        self.units += sum(one["CapacityUnits"] for one in (used if isinstance(used, list) else [used]))

    def _start(self, params: dict[str, Any], **_: Any) -> Any:
        self.started.append(json.loads(params["body"])["name"])
        return type("Response", (), {"status_code": 200})(), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    def submit(self, creator: Creator, project: str) -> str:
        return str(creator.job(project)["id"])

    def measured(self) -> dict[str, RequestCost]:
        """Submit, read, list and cancel a job, `ROUNDS` times."""
        costs = {kind: RequestCost() for kind in ("submit", "read", "list", "cancel")}
        for creator, project in islice(cycle(self.creators), ROUNDS):
            job_id = self._timed(costs["submit"], lambda: self.submit(creator, project))  # noqa: B023  # called at once
            self._timed(costs["read"], lambda: creator.get(f"/api/jobs/{job_id}"))  # noqa: B023  # called at once
            self._timed(costs["list"], lambda: creator.get("/api/jobs", limit="20"))  # noqa: B023  # called at once
            self._timed(costs["cancel"], lambda: creator.post(f"/api/jobs/{job_id}/cancel"))  # noqa: B023  # called at once
            self.started.pop()
        return costs

    def _timed(self, cost: RequestCost, request: Callable[[], Any]) -> Any:
        self.units, began = 0, perf_counter()
        answer = request()
        cost.seconds.append(perf_counter() - began)
        cost.units[self.units] += 1
        return answer

    def drain(self) -> list[str]:
        """Run all started jobs through their stages, and return their ids in the order in which they ended."""
        ended = []
        while self.started:
            job_id = self.started.popleft()
            for stage, _ in jobs.get(job_id).planned():
                dispatch.handler({"jobId": job_id, "stage": stage.value, "taskToken": "t"}, None)
                complete_step(job_id, Stage(stage))
            settle.handler({"jobId": job_id}, None)
            ended.append(job_id)
        return ended


@contextmanager
def loaded_studio(folder: Path) -> Iterator[LoadedStudio]:
    with dynamodb_local(folder / "log") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        with studio() as deployed:
            creators = [deployed.arrive(f"load-{n}@example.com", credits=1_000_000) for n in range(ACCOUNTS)]
            one = LoadedStudio(deployed, [(creator, creator.project()) for creator in creators])
            one.watch()
            yield one


def unfairness(owners: list[str]) -> float:
    """Return the largest distance of an account from its share of the first half, as a fraction of the share."""
    first, whole = Counter(owners[: len(owners) // 2]), Counter(owners)
    return max(abs(2 * first[owner] / count - 1) for owner, count in whole.items())


def main(amount: str = "5000") -> int:
    if reason := missing():
        print(reason)
        return 1
    with TemporaryDirectory() as folder, loaded_studio(Path(folder)) as load:
        for creator, project in load.creators:
            for _ in range(20):  # a full page of the list
                job_id = load.submit(creator, project)
                creator.post(f"/api/jobs/{job_id}/cancel")
        load.started.clear()
        load.measured()  # warm up
        empty = load.measured()
        owners = {load.submit(*pair): pair[0].user_id for pair in islice(cycle(load.creators), int(amount))}
        full = load.measured()
        ended = load.drain()
        failed = sum(jobs.get(job_id).status != JobStatus.COMPLETED for job_id in owners)
    wrong = [kind for kind in empty if set(empty[kind].units) != set(full[kind].units)]
    slow = [kind for kind in empty if full[kind].p99 > MOST_P99 * empty[kind].p99]
    for kind, cost in empty.items():
        print(
            f"{kind}: units {dict(cost.units)} and {dict(full[kind].units)}, "
            f"p99 {1000 * cost.p99:.0f} ms and {1000 * full[kind].p99:.0f} ms"
        )
    print(f"{len(ended)} jobs ended, {failed} failed, unfairness {unfairness([owners[job] for job in ended]):.0%}")
    print(f"other units: {wrong}, slower: {slow}")
    return bool(failed or wrong or slow)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
