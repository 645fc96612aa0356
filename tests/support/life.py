"""One job's life: real handlers and runners, a state machine with Retry, and queues that deliver again at once."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from moto.backends import get_backend
from moto.dynamodb.responses import DynamoHandler
from ulid import ULID

from functions.pipeline import dispatch, reconcile, settle
from local.moto_fixes import honour_request_tokens
from shared.aws.media import address
from shared.core.clock import utc_now
from shared.jobs import executions
from shared.jobs.store import jobs
from shared.stages.engines import ENGINES, Runs, engine
from shared.stages.queues import REMOTE_QUEUE
from shared.stages.requests import StageRequest
from shared.stages.stages import STAGES, Role, Stage
from tests.support.cloud import TaskAnswer, nothing
from tests.support.studio import Creator
from workers.engines.contract import Finished, Output, RemoteOutput, StageResult, Workspace
from workers.runtime.lambda_entry import RemoteRunner
from workers.runtime.step import StepRunner

T = TypeVar("T")
MOST_TRIES = 10  # a job that needs more tries of one thing is stuck


class Stuck(AssertionError):
    """A job that waits for something that never happens."""


@dataclass
class ReadingEngine:
    """An engine that fetches all inputs and writes one tiny file for each role. A lost input fails its step."""

    stage: Stage

    def load(self) -> None: ...

    def run(self, request: StageRequest, workspace: Workspace) -> StageResult:
        for value in request.model_dump().values():
            if isinstance(value, str) and value.startswith(address("")):
                workspace.fetch(value)
        return StageResult(tuple(self._output(workspace, role) for role in sorted(STAGES[self.stage].produces)))

    def _output(self, workspace: Workspace, role: Role) -> Output:
        path = workspace.folder / f"{role}.bin"
        path.write_text(role)
        return Output(role, path, "application/octet-stream")


@dataclass
class PaidEngine:
    """A remote engine whose provider finishes at once. Each submission is paid."""

    submitted: list[str] = field(default_factory=list)

    def submit(self, request: StageRequest, _presigned_url: Callable[[str], str]) -> str:
        self.submitted.append(request.job_id)
        return request.job_id

    def poll(self, _ticket: str) -> Finished:
        return Finished((RemoteOutput(Role.CLIP, "https://provider.test/clip", "clip.mp4", "video/mp4"),))

    def fetch(self, _output: RemoteOutput, path: Path) -> None:
        path.write_text("clip")

    def cancel(self, _ticket: str) -> None: ...


@contextmanager
def tokens_honoured() -> Iterator[None]:
    """Make moto apply a transaction once for each ClientRequestToken, as DynamoDB does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoHandler, "transact_write_items", DynamoHandler.transact_write_items)
        honour_request_tokens()
        yield


class Life:
    """The life of one job. A process that fails is started again, and SQS delivers its message again."""

    def __init__(self, creator: Creator, project: str, settings: Mapping[str, Any]) -> None:
        self.provider = PaidEngine()
        self.job_id = ""
        self.errors: list[Exception] = []  # of failed processes
        self._creator, self._studio, self._cloud = creator, creator.studio, creator.studio.cloud
        self._body = {"projectId": project, "prompt": "a lighthouse at dusk", "settings": settings}
        self._error: dict[str, str] | None = None  # of the failed stage
        self._tokens = 0
        self._remote = RemoteRunner(dict.fromkeys((engine.name for engine in ENGINES), self.provider))
        self._runners = {
            stage.queue: StepRunner(
                {engine.name: ReadingEngine(stage) for engine in ENGINES}, shutdown_requested=lambda: False
            )
            for stage in Stage
        }

    def submit(self) -> None:
        """Send the request until it is answered, with one key. Reconcile starts a job that was not started."""
        key = f"key-{ULID()}"
        for _ in range(MOST_TRIES):
            answer = self._process(lambda: self._creator.post("/api/jobs", self._body, key=key))
            if answer is not None and answer.status == 202:
                self.job_id = answer.body["id"]
                break
            self.errors.append(RuntimeError(answer))
        else:
            raise Stuck("the job is not accepted")
        with self._observer():
            self._job = jobs.get(self.job_id)
            if executions.running(self.job_id) is None:
                reconcile.sweep(utc_now() + timedelta(minutes=1))
                assert executions.running(self.job_id)

    def run(self, *stages: Stage) -> None:
        """Run these stages, unless an earlier one has failed or the execution is stopped."""
        for stage in stages:
            if self._error is None and not self._is_stopped():
                self._error = self._run_stage(stage)

    def settle(self) -> None:
        """Settle the job, unless its execution is stopped, and then deliver the remaining messages."""
        event = {"jobId": self.job_id} | ({"error": self._error} if self._error else {})
        for _ in range(MOST_TRIES):
            if self._is_stopped() or self._process(lambda: settle.handler(event, None)):
                break
        else:
            raise Stuck("the job is not settled")
        for queue in (*self._runners, REMOTE_QUEUE):
            for _ in range(MOST_TRIES):
                if not self._work(queue):
                    break
            else:
                raise Stuck(f"a message stays in {queue}")

    def _run_stage(self, stage: Stage) -> dict[str, str] | None:
        """Dispatch the stage with a new token for each retry. Return the error, if the stage fails."""
        for _ in range(MOST_TRIES):
            self._tokens += 1
            token = f"{self.job_id}-{self._tokens}"
            if self._process(partial(self._dispatch, stage, token)):
                answer = self._answer(stage, token)
                if answer is None or answer.error is None:
                    return None
                if answer.error != "Stage.Retryable":
                    return {"Error": answer.error, "Cause": answer.cause}
            if self._is_stopped():
                return None
        raise Stuck(f"{stage} never ends")

    def _dispatch(self, stage: Stage, token: str) -> bool:
        dispatch.handler({"jobId": self.job_id, "stage": stage.value, "taskToken": token}, None)
        return True

    def _answer(self, stage: Stage, token: str) -> TaskAnswer | None:
        """Work until the token is answered, and return the answer; None if the execution is stopped."""
        entry = engine(stage, self._job.step(stage).engine)
        queue = REMOTE_QUEUE if entry.runs is Runs.REMOTE else stage.queue
        for _ in range(MOST_TRIES):
            found = next((answer for answer in self._cloud.answers if answer.token == token), None)
            if found or self._is_stopped():
                return found
            if not self._work(queue):
                raise Stuck(f"the state machine waits for {stage}, and {queue} is empty")
        raise Stuck(f"{stage} is never answered")

    def _work(self, queue: str) -> bool:
        """Receive and handle one message. Return False if there is none."""
        with self._observer():
            for message in get_backend("sqs")["123456789012"]["us-east-1"].queues[f"kinora-test-{queue}"]._messages:
                message.visible_at = message.delayed_until = 0
        return self._process(lambda: self._deliver(queue)) is not False

    def _deliver(self, queue: str) -> bool:
        delivery = self._studio.deliver(queue)
        if delivery is None:
            return False
        if queue == REMOTE_QUEUE:
            self._remote.handle(delivery.body)
            delivery.delete()
        else:
            self._runners[queue].handle(delivery)
        return True

    def _is_stopped(self) -> bool:
        with self._observer():
            return not executions.running(self.job_id)

    def _process(self, work: Callable[[], T]) -> T | None:
        """Return the result of `work`; None if it raises."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001  # AWS starts a process again after any error
            self.errors.append(error)
            return None
        finally:
            self._cloud.dead = False

    @contextmanager
    def _observer(self) -> Iterator[None]:
        """Let no fault happen to the calls in the block, because no process makes them."""
        afterwards, self._cloud.afterwards = self._cloud.afterwards, nothing
        yield
        self._cloud.afterwards = afterwards
