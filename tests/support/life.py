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
from tests.support.cloud import AtCall, TaskAnswer, nothing
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
    """The life of one job. Each process causes `fault` at its call `number`, unless it replaces one that has failed."""

    def __init__(
        self, creator: Creator, project: str, settings: Mapping[str, Any], number: int, fault: Callable[[str], None]
    ) -> None:
        self.provider = PaidEngine()
        self.job_id = ""
        self.errors: list[Exception] = []  # of failed processes
        self.faults: list[str] = []  # the operations at which `fault` was caused
        self._creator, self._studio, self._cloud = creator, creator.studio, creator.studio.cloud
        self._body = {"projectId": project, "prompt": "a lighthouse at dusk", "settings": settings}
        self._number, self._fault, self._spared = number, fault, False
        self._tokens = 0
        self._remote = RemoteRunner(dict.fromkeys((engine.name for engine in ENGINES), self.provider))
        self._runners = {
            stage.queue: StepRunner(
                {engine.name: ReadingEngine(stage) for engine in ENGINES}, shutdown_requested=lambda: False
            )
            for stage in Stage
        }

    def run(self) -> None:
        """Submit the job, run its stages until one fails, settle the job, and deliver the remaining messages."""
        self._until(self._submit)
        self._start()
        error = None
        self._job = jobs.get(self.job_id)
        for stage, _ in self._job.planned():
            error = error or self._run_stage(stage)
        event = {"jobId": self.job_id} | ({"error": error} if error else {})
        self._until(lambda: bool(settle.handler(event, None)))
        for queue in (*self._runners, REMOTE_QUEUE):
            while self._work(queue):
                pass

    def _submit(self) -> bool:
        """Send the request, always with the same key."""
        answer = self._creator.post("/api/jobs", self._body, key=f"key-{id(self)}-{self._number}")
        self.job_id = answer.body["id"] if answer.status == 202 else ""
        return answer.status == 202

    def _start(self) -> None:
        """Let reconcile start the job, if its request has not."""
        if executions.running(self.job_id) is None:
            reconcile.sweep(utc_now() + timedelta(minutes=1))
            assert executions.running(self.job_id)

    def _run_stage(self, stage: Stage) -> dict[str, str] | None:
        """Dispatch the stage with a new token for each retry. Return the error, if the stage fails."""
        for _ in range(MOST_TRIES):
            self._tokens += 1
            token = f"{self.job_id}-{self._tokens}"
            if self._process(partial(self._dispatch, stage, token)):
                answer = self._answer(stage, token)
                if answer.error is None:
                    return None
                if answer.error != "Stage.Retryable":
                    return {"Error": answer.error, "Cause": answer.cause}
        raise Stuck(f"{stage} never ends")

    def _dispatch(self, stage: Stage, token: str) -> bool:
        dispatch.handler({"jobId": self.job_id, "stage": stage.value, "taskToken": token}, None)
        return True

    def _answer(self, stage: Stage, token: str) -> TaskAnswer:
        """Work until the token is answered, and return the answer."""
        entry = engine(stage, self._job.step(stage).engine)
        queue = REMOTE_QUEUE if entry.runs is Runs.REMOTE else stage.queue
        for _ in range(MOST_TRIES):
            for answer in self._cloud.answers:
                if answer.token == token:
                    return answer
            if not self._work(queue):
                raise Stuck(f"the state machine waits for {stage}, and {queue} is empty")
        raise Stuck(f"{stage} is never answered")

    def _work(self, queue: str) -> bool:
        """Make all messages visible, and receive and handle one. Return False if there is none."""
        messages = get_backend("sqs")["123456789012"]["us-east-1"].queues[f"kinora-test-{queue}"]._messages
        for message in messages:
            message.visible_at = message.delayed_until = 0
        if messages:
            self._process(partial(self._deliver, queue))
        return bool(messages)

    def _deliver(self, queue: str) -> bool:
        delivery = self._studio.deliver(queue)
        if delivery is None:  # the answer of an earlier receive was lost, and the message is hidden
            return False
        if queue == REMOTE_QUEUE:
            self._remote.handle(delivery.body)
            delivery.delete()
        else:
            self._runners[queue].handle(delivery)
        return True

    def _until(self, work: Callable[[], bool]) -> None:
        for _ in range(MOST_TRIES):
            if self._process(work):
                return
        raise Stuck(f"{work} never succeeds: {self.errors}")

    def _process(self, work: Callable[[], bool]) -> bool:
        """Run one process and return its result; False if it raises."""
        hook = AtCall(self._cloud, 0 if self._spared else self._number, self._fault)
        self._cloud.afterwards = hook
        done = False
        try:
            done = work()
        except Exception as error:  # noqa: BLE001  # AWS starts a process again after any error
            self.errors.append(error)
        finally:
            self._spared = not done
            self._cloud.afterwards, self._cloud.dead = nothing, False
            if hook.operation:
                self.faults.append(hook.operation)
        return done
