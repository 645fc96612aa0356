"""`python -m bench.load [jobs]`: thousands of waiting jobs with scripted engines, in one process, on DynamoDB Local.

It measures requests while all slots are in use and no job waits, then while all jobs wait, then drains the queue. The
exit status is 1 if a job fails, if a request uses more units, if its 99th percentile exceeds 1.3 times that of the
empty queue, or if an account is more than 10 % from its share of the first half of the admissions.
"""

import json
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
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
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.admission import AdmissionConfig
from shared.jobs.record import JobStatus
from shared.jobs.store import jobs
from shared.stages.stages import Stage
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from tests.support.dynamodb_local import UsedUnits, dynamodb_local, missing
from tests.support.steps import complete_step
from tests.support.studio import Creator, Studio, studio

PLAN = PlanType.ENTERPRISE
ACCOUNTS = 10
ROUNDS = 400  # measured requests of each kind: one slow request in a hundred is not the 99th percentile
MOST_P99 = 1.3  # times that of the empty queue
MOST_UNFAIR = 0.1


@dataclass
class RequestCost:
    """Seconds, and read and write units, of each request of one kind."""

    seconds: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        return quantiles(self.seconds, n=100)[-1]

    def __str__(self) -> str:
        return f"{max(self.reads):g} read and {max(self.writes):g} write units, p99 {1000 * self.p99:.0f} ms"


Costs = dict[str, RequestCost]


@dataclass
class LoadedStudio:
    """The deployment, its creators with their projects, and the state machine's work in order."""

    deployed: Studio
    creators: list[tuple[Creator, str]]
    started: deque[str] = field(default_factory=deque)  # jobs whose execution has started
    units: UsedUnits = field(default_factory=UsedUnits)

    def watch(self) -> None:
        """Count units, and record executions instead of starting them in moto."""
        self.units.watch()
        clients.stepfunctions().meta.events.register_first("before-call.sfn.StartExecution", self._start)

    def _start(self, params: dict[str, Any], **_: Any) -> Any:
        self.started.append(json.loads(params["body"])["name"])
        return type("Response", (), {"status_code": 200})(), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    def submit(self, number: int) -> dict[str, str]:
        """Submit jobs of the creators in turn, and return their owners by job."""
        return {
            str(creator.job(project)["id"]): creator.user_id
            for creator, project in islice(cycle(self.creators), number)
        }

    def measured(self) -> Costs:
        """Submit, read, list and cancel a job that waits, `ROUNDS` times."""
        costs = {kind: RequestCost() for kind in ("submit", "read", "list", "cancel")}
        for creator, project in islice(cycle(self.creators), ROUNDS):
            job_id = str(self._timed(costs["submit"], partial(creator.job, project))["id"])
            self._timed(costs["read"], partial(creator.get, f"/api/jobs/{job_id}"))
            self._timed(costs["list"], partial(creator.get, "/api/jobs", limit="20"))
            self._timed(costs["cancel"], partial(creator.post, f"/api/jobs/{job_id}/cancel"))
        return costs

    def _timed(self, cost: RequestCost, request: Callable[[], Any]) -> Any:
        self.units.take()
        began = perf_counter()
        answer = request()
        cost.seconds.append(perf_counter() - began)
        reads, writes = self.units.take()
        cost.reads.append(reads)
        cost.writes.append(writes)
        return answer

    def drain(self) -> tuple[list[str], RequestCost]:
        """Run all jobs through their stages. Return their ids in the order of their starts, and the ends' costs."""
        ended, cost = [], RequestCost()
        while self.started:
            job_id = self.started.popleft()
            for stage, _ in jobs.get(job_id).planned():
                dispatch.handler({"jobId": job_id, "stage": stage.value, "taskToken": "t"}, None)
                complete_step(job_id, Stage(stage))
            self._timed(cost, partial(settle.handler, {"jobId": job_id}, None))
            ended.append(job_id)
        return ended, cost


@contextmanager
def loaded_studio(folder: Path) -> Iterator[LoadedStudio]:
    with dynamodb_local(folder / "log") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        patch.setenv("KINORA_QUOTA_FACTOR", "100")
        with studio() as deployed:
            creators = [deployed.arrive(f"load-{n}@example.com", credits=1_000_000) for n in range(ACCOUNTS)]
            for creator in creators:
                subscriptions.put(creator.user_id, PLAN, SubscriptionStatus.ACTIVE, at=utc_now())
            one = LoadedStudio(deployed, [(creator, creator.project()) for creator in creators])
            one.watch()
            yield one


def unfairness(owners: list[str]) -> float:
    """Return the largest distance of an account from its share of the first half, as a fraction of the share."""
    first, whole = Counter(owners[: len(owners) // 2]), Counter(owners)
    return max(abs(2 * first[owner] / count - 1) for owner, count in whole.items())


def ends(cost: RequestCost) -> tuple[RequestCost, RequestCost]:
    """Return the costs of the last and of the first ends that admitted a job."""
    most = AdmissionConfig().max_executions

    def part(which: slice) -> RequestCost:
        return RequestCost(cost.seconds[which], cost.reads[which], cost.writes[which])

    # At the last ones, accounts leave the index.
    return part(slice(-most - ROUNDS - ACCOUNTS, -most - ACCOUNTS)), part(slice(ROUNDS))


def main(amount: str = "5000") -> int:
    if reason := missing():
        print(reason)
        return 1
    with TemporaryDirectory() as folder, loaded_studio(Path(folder)) as load:
        for job_id in load.submit(20 * ACCOUNTS):  # a full page of the list
            settlement.cancel(jobs.get(job_id), at=utc_now())
        load.started.clear()
        load.submit(AdmissionConfig().max_executions)  # all slots
        load.measured()  # warm up
        empty = load.measured()
        owners = load.submit(int(amount))
        full = load.measured()
        ended, end = load.drain()
        failed = sum(jobs.get(job_id).status != JobStatus.COMPLETED for job_id in owners)
    empty["end"], full["end"] = ends(end)
    wrong = [kind for kind in empty if uses_more(empty[kind], full[kind])]
    slow = [kind for kind in empty if full[kind].p99 > MOST_P99 * empty[kind].p99]
    unfair = unfairness([owners[job] for job in ended if job in owners])
    for kind, cost in empty.items():
        print(f"{kind}: {cost}; with {amount} waiting jobs {full[kind]}")
    print(f"{len(ended)} jobs ended, {failed} failed, unfairness {unfair:.0%}; more units: {wrong}, slower: {slow}")
    return bool(failed or wrong or slow or unfair > MOST_UNFAIR or not set(owners) <= set(ended))


def uses_more(empty: RequestCost, full: RequestCost) -> bool:
    return max(full.reads) > max(empty.reads) or max(full.writes) > max(empty.writes)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
