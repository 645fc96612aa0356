"""One job's life: real handlers and runners, a state machine with Retry, and queues that deliver again at once."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import pytest
from botocore.exceptions import HTTPClientError
from moto.backends import get_backend
from moto.dynamodb.responses import DynamoHandler

from functions.pipeline import dispatch, reconcile, settle, signal
from functions.pipeline.reconcile import LOST_AFTER
from local.moto_fixes import honour_request_tokens
from shared.aws import clients, media, secrets
from shared.aws.media import address
from shared.aws.traces import TRACE
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.jobs import executions
from shared.jobs.store import jobs
from shared.providers.store import states
from shared.stages.engines import ENGINES, Runs, engine
from shared.stages.failures import StageFailure
from shared.stages.queues import REMOTE_QUEUE
from shared.stages.requests import StageRequest
from shared.stages.stages import STAGES, Role, Stage
from tests.support.cloud import AtCall, TaskAnswer, nothing
from tests.support.studio import Creator
from workers.engines.contract import Finished, Output, RemoteOutput, StageResult, Workspace
from workers.runtime import move_check
from workers.runtime.lambda_entry import RemoteRunner
from workers.runtime.queues import Delivery
from workers.runtime.sagemaker import Endpoint
from workers.runtime.step import StepRunner

T = TypeVar("T")
MOST_TRIES = 10  # a job that needs more tries of one thing is stuck
RETRIES = 3  # of a stage, in the state machine
CLIP = Stage.VIDEO_SYNTHESIS
READS = frozenset(
    {"GetItem", "Query", "BatchGetItem", "GetObject", "HeadObject", "ListObjectsV2", "ListObjectVersions"}
    | {"GetSecretValue", "DescribeExecution", "AssumeRole", "PutTraceSegments"}
)


class Stuck(AssertionError):
    """A job that waits for something that never happens."""


@dataclass
class ReadingEngine:
    """An engine that fetches all inputs and writes one tiny file for each role. A lost input fails its step."""

    stage: Stage
    fails: Callable[[], bool] = lambda: False  # whether a run fails, and can be retried

    def load(self) -> None: ...

    def run(self, request: StageRequest, workspace: Workspace) -> StageResult:
        for value in request.model_dump().values():
            if isinstance(value, str) and value.startswith(address("")):
                workspace.fetch(value)
        if self.fails():
            raise StageFailure("engine_busy", "The engine is busy.", retryable=True)
        return StageResult(tuple(self._output(workspace, role) for role in sorted(STAGES[self.stage].produces)))

    def _output(self, workspace: Workspace, role: Role) -> Output:
        path = workspace.folder / f"{role}.bin"
        path.write_text(role)
        return Output(role, path, "application/octet-stream")


@dataclass
class PaidEngine:
    """A remote engine whose provider finishes at once. Each submission is paid."""

    submitted: list[str] = field(default_factory=list)  # the tickets
    failed: set[str] = field(default_factory=set)  # tickets of which the provider has answered that they failed
    at_risk: list[str] = field(default_factory=list)  # tickets that had not failed when another was submitted
    cancelled: list[str] = field(default_factory=list)
    fails: Callable[[], bool] = lambda: False

    def submit(self, request: StageRequest, _presigned_url: Callable[[str], str]) -> str:
        self.at_risk += set(self.submitted) - self.failed
        self.submitted.append(f"{request.job_id}-{len(self.submitted)}")
        return self.submitted[-1]

    def poll(self, ticket: str) -> Finished:
        if self.fails():
            self.failed.add(ticket)
            raise StageFailure("provider_busy", "The provider is busy.", retryable=True)
        return Finished((RemoteOutput(Role.CLIP, "https://provider.test/clip", "clip.mp4", "video/mp4"),))

    def fetch(self, _output: RemoteOutput, path: Path) -> None:
        path.write_text("clip")

    def cancel(self, ticket: str) -> None:
        self.cancelled.append(ticket)


@contextmanager
def tokens_honoured() -> Iterator[None]:
    """Make moto apply a transaction once for each ClientRequestToken, as DynamoDB does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoHandler, "transact_write_items", DynamoHandler.transact_write_items)
        honour_request_tokens()
        yield


@contextmanager
def no_beats() -> Iterator[None]:
    """Workers that write no progress and extend no lease, however long the machine takes for a step."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BEAT_SECONDS", "PROGRESS_SECONDS"):
            patch.setenv(f"KINORA_{name}", "60")
        yield


@contextmanager
def expired_leases() -> Iterator[None]:
    """Leases that expire at once, no beats, polls without a pause, and transactions that DynamoDB recognizes."""
    clients.secretsmanager().create_secret(Name="kinora/test/fal-key", SecretString="x")  # not a secret
    with tokens_honoured(), no_beats(), pytest.MonkeyPatch.context() as patch:
        for name in ("LEASE_SECONDS", "REMOTE_LEASE_SECONDS", "REMOTE_POLL_MOST_SECONDS"):
            patch.setenv(f"KINORA_{name}", "0")
        patch.setenv(TRACE, "")
        yield
    clients.secretsmanager().delete_secret(SecretId="kinora/test/fal-key", ForceDeleteWithoutRecovery=True)
    secrets.secret.cache_clear()


@dataclass(frozen=True)
class World:
    """The circumstances of a life, apart from faults."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    picture: str | None = None  # the asset that replaces image generation
    on_sagemaker: bool = False  # the engine of the clip
    retried: bool = False  # the first try of the clip fails
    missed: bool = False  # a worker measures that the clip misses its move; otherwise it cannot measure the clip
    repeated: bool = False  # and the clip is made once more
    swept: bool = False  # reconcile continues the job when no message is left
    reads: bool = False  # calls that only read are counted too


Call = tuple[str, str, int]  # process, operation, and the number of this call among those of the operation there
At = Callable[[int, Call], bool]
Fault = Callable[["Life", str], None]


class Life:
    """The life of one job. A process causes `fault` where `at` says so, unless a process of its name has failed.

    `at` receives the number of the process's call and the call. Calls that only read are not counted, because they
    change nothing: a process that dies after one leaves what it leaves if it dies before it.
    """

    def __init__(
        self,
        creator: Creator,
        project: str,
        world: World | None = None,
        *,
        at: At = lambda _number, _call: False,
        fault: Fault = lambda _life, _operation: None,
    ) -> None:
        self.job_id = ""
        self.errors: list[Exception] = []  # of failed processes
        self.seen = set[Call]()  # the counted calls
        self.faults: list[Call] = []  # those with a fault
        self.cloud = creator.studio.cloud
        self._creator, self._studio, self.world = creator, creator.studio, world or World()
        self.provider = PaidEngine(fails=self._fails)
        inputs = [{"role": "picture", "assetId": self.world.picture}] if self.world.picture else []
        body = {"projectId": project, "prompt": "a lighthouse at dusk", "inputs": inputs}
        self._key, self._body = new_id("key"), body | {"settings": self.world.settings}
        self._at, self._fault = at, fault
        self._spared = set[str]()  # names of processes that have failed
        self._tokens = self._processes = 0
        self._late: list[tuple[float, Callable[[], object]]] = []  # the number of processes before it, and the work
        self._notices: list[dict[str, str]] = []  # failed invocations of SageMaker
        self._remote = RemoteRunner(dict.fromkeys((engine.name for engine in ENGINES), self.provider))
        self._runners = {stage.queue: self._runner(stage) for stage in Stage}

    def _runner(self, stage: Stage) -> StepRunner:
        made = ReadingEngine(stage, self._fails) if stage is CLIP else ReadingEngine(stage)
        return StepRunner({engine.name: made for engine in ENGINES}, shutdown_requested=lambda: False)

    def _fails(self) -> bool:
        """Return whether the clip fails: in such a world, until the state machine knows a failure."""
        known = {answer.error for answer in self.cloud.answers if answer.token.startswith(self.job_id)}
        return self.world.retried and "Stage.Retryable" not in known

    def later(self, processes: float, work: Callable[[], object]) -> None:
        """Do the work after this number of processes has ended, counted from this one. 0 is at once."""
        self._late.append((self._processes + processes, work))
        self._catch_up(self._processes)

    def _catch_up(self, processes: float) -> None:
        due = [work for number, work in self._late if number <= processes]
        self._late = [entry for entry in self._late if entry[0] > processes]
        hook, self.cloud.afterwards = self.cloud.afterwards, nothing
        for work in due:
            with suppress(Exception):  # nobody gets the answer
                work()
        self.cloud.afterwards = hook

    def run(self) -> None:
        """Submit the job, run its stages until one fails, settle the job, and deliver the remaining messages."""
        endpoints = json.dumps({CLIP: "kinora-test-clips"} if self.world.on_sagemaker else {})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KINORA_SAGEMAKER_ENDPOINTS", endpoints)
            patch.setattr(move_check, "_score", lambda *_, **__: 0.1 if self.world.missed else None)
            self._forget_earlier_lives()
            self._until("submit", self._submit)
            self._live()
            self._catch_up(inf)
            self._drain()

    def _forget_earlier_lives(self) -> None:
        """Fill the quotas, and close the circuits of the providers."""
        self._studio.refill_quotas()
        for name in self.world.settings.get("engines", {}).values():
            states.works(name)

    def _live(self) -> None:
        self._start()
        error = None
        self._job = jobs.get(self.job_id)
        for stage, _ in self._job.planned():
            error = error or self._run_stage(stage)
        event = {"jobId": self.job_id} | ({"error": error} if error else {})
        self._until("settle", lambda: bool(settle.handler(event, None)))

    def _drain(self) -> None:
        """Deliver the remaining messages."""
        for queue in (*self._runners, REMOTE_QUEUE):
            while self._work(queue):
                pass
        while self._serve():
            pass

    def _submit(self) -> bool:
        """Send the request, always with the same key."""
        answer = self._creator.post("/api/jobs", self._body, key=self._key)
        self.job_id = answer.body["id"] if answer.status == 202 else ""
        return answer.status == 202

    def _start(self) -> None:
        """Let reconcile start the job, if its request has not."""
        if executions.running(self.job_id) is None:
            reconcile.sweep(utc_now() + timedelta(minutes=1))
            assert executions.running(self.job_id)

    def _run_stage(self, stage: Stage) -> dict[str, str] | None:
        """Dispatch the stage with a new token for each retry. Return the error, if the stage fails."""
        failures = 0
        for _ in range(MOST_TRIES):
            self._tokens += 1
            token = f"{self.job_id}-{self._tokens}"
            if self._process(f"dispatch {stage}", partial(self._dispatch, stage, token)):
                answer = self._answer(stage, token)
                if answer.error is None:
                    return None
                if answer.error == dispatch.Unavailable.__name__:
                    continue
                failures += 1
                if answer.error != "Stage.Retryable" or failures > RETRIES:
                    return {"Error": answer.error, "Cause": answer.cause}
        raise Stuck(f"{stage} never ends")

    def _dispatch(self, stage: Stage, token: str) -> bool:
        """Dispatch the stage. Retry waits for seconds before each further call."""
        at = utc_now() + self._tokens * timedelta(seconds=2)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dispatch, "utc_now", lambda: at)
            dispatch.handler({"jobId": self.job_id, "stage": stage.value, "taskToken": token}, None)
        return True

    def _answer(self, stage: Stage, token: str) -> TaskAnswer:
        """Work until the token is answered, and return the answer."""
        entry = engine(stage, self._job.step(stage).engine)
        if self.world.on_sagemaker and stage is CLIP:
            work, place = self._serve, "the endpoint"
        else:
            place = f"{REMOTE_QUEUE} or {stage.queue}" if entry.runs is Runs.REMOTE else stage.queue
            work = partial(self._work_on, place.split(" or "))
        for _ in range(MOST_TRIES):
            for answer in self.cloud.answers:
                if answer.token == token:
                    return answer
            if not work() and not (self.world.swept and self._sweep()):
                raise Stuck(f"the state machine waits for {stage}, and {place} has no work: {self.faults}")
        raise Stuck(f"{stage} is never answered")

    def _work_on(self, queues: Sequence[str]) -> bool:
        """Handle a message of the first queue that has one. Return False if there is none."""
        return any(self._work(queue) for queue in queues)

    def _sweep(self) -> bool:
        """Let reconcile see the job in its turn, and return whether it lets the state machine dispatch a step again."""
        at = utc_now() + LOST_AFTER + timedelta(minutes=1)
        found = [reconcile.sweep(at + timedelta(minutes=turn))["dispatched"] for turn in range(reconcile.TURNS)]
        return any(found)

    def _work(self, queue: str) -> bool:
        """Make all messages visible, and receive and handle one. Return False if there is none."""
        messages = get_backend("sqs")["123456789012"]["us-east-1"].queues[f"kinora-test-{queue}"]._messages
        for message in messages:
            message.visible_at = message.delayed_until = 0
        found = list[Delivery]()
        if messages and self._process(f"receive {queue}", partial(self._receive, queue, found)):
            poll_no = json.loads(found[0].body).get("pollNo", "")
            self._process(f"{queue}{poll_no}", partial(self._handle, found[0]))
        return bool(messages)

    def _receive(self, queue: str, found: list[Delivery]) -> bool:
        """Receive a message. Return False if there is none: it is hidden, because an earlier answer was lost."""
        found += filter(None, [self._studio.deliver(queue)])
        return bool(found)

    def _handle(self, delivery: Delivery) -> bool:
        if delivery.queue == REMOTE_QUEUE:
            self._remote.handle(delivery.body)
            delivery.delete()
        else:
            self._runners[delivery.queue].handle(delivery)
        return True

    def _serve(self) -> bool:
        """Do as SageMaker does: invoke the endpoint, or report a failed invocation. Return False if there is none."""
        if self.cloud.invocations:
            invocation = self.cloud.invocations.pop(0)
            bucket, _, key = invocation["X-Amzn-SageMaker-InputLocation"].removeprefix("s3://").partition("/")
            stored = key in set(media.keys(key))
            body = clients.s3().get_object(Bucket=bucket, Key=key)["Body"].read() if stored else b""
            if not (stored and self._process("endpoint", partial(self._invoke, body))):
                self._notices.append(invocation)
            return True
        if self._notices:
            notice = self._notices.pop(0)
            if not self._process("signal", partial(self._signal, notice["X-Amzn-SageMaker-Inference-Id"])):
                self._notices.append(notice)
            return True
        return False

    def _invoke(self, body: bytes) -> bool:
        with Endpoint(self._runners[CLIP.queue].handle, host="127.0.0.1", port=0) as endpoint:
            return endpoint.invoke(body, "") == 200

    def _signal(self, inference_id: str) -> bool:
        notice = {"inferenceId": inference_id, "failureReason": "ServerError"}
        event = {"Records": [{"messageId": "m-1", "body": json.dumps(notice)}]}
        return not signal.handler(event, None)["batchItemFailures"]

    def _until(self, name: str, work: Callable[[], bool]) -> None:
        for _ in range(MOST_TRIES):
            if self._process(name, work):
                return
        raise Stuck(f"{name} never succeeds: {self.errors}")

    def _process(self, name: str, work: Callable[[], bool]) -> bool:
        """Run one process and return its result; False if it raises."""
        self._processes += 1
        self.cloud.afterwards = self._hook(name)
        done = False
        try:
            done = work()
        except Exception as error:  # noqa: BLE001  # AWS starts a process again after any error
            self.errors.append(error)
        finally:
            if not done:
                self._spared.add(name)
            self.cloud.afterwards, self.cloud.dead = nothing, False
            self._catch_up(self._processes)
        return done

    def _hook(self, process: str) -> Callable[[str], None]:
        """Return the hook that counts the process's calls and causes faults."""
        spared, counted = process in self._spared, list[str]()
        repeated = ""  # the operation that botocore sends again

        def hook(operation: str) -> None:
            nonlocal repeated
            if repeated:
                repeated = "" if operation == repeated else repeated
                return
            if operation in READS and not self.world.reads:
                return
            counted.append(operation)
            call = (process, operation, counted.count(operation))
            self.seen.add(call)
            if not spared and self._at(len(counted), call):
                self.faults.append(call)
                try:
                    self._fault(self, operation)
                except HTTPClientError:
                    repeated = operation
                    raise

        return hook


class LifeInterrupted(Exception):
    """The end of an execution that the creator's request has stopped."""


class InterruptedLife(Life):
    """The life of one job that its creator interrupts once, after call `number`, counted from the answer to the submit.

    Reads are counted too, because the process then continues with what it has read before.
    """

    def __init__(
        self,
        creator: Creator,
        project: str,
        world: World,
        number: int,
        requests: Callable[[str], None],
    ) -> None:
        super().__init__(creator, project, world)
        self._draining = False
        self.at_call = AtCall(self.cloud, number, lambda _: requests(self.job_id))

    def _live(self) -> None:
        with suppress(LifeInterrupted):
            super()._live()

    def _drain(self) -> None:
        self._draining = True
        super()._drain()

    def _work(self, queue: str) -> bool:
        self._check()
        return super()._work(queue)

    def _serve(self) -> bool:
        self._check()
        return super()._serve()

    def _process(self, name: str, work: Callable[[], bool]) -> bool:
        self._check()
        return super()._process(name, work)

    def _check(self) -> None:
        if self.at_call.operation and not self._draining:
            raise LifeInterrupted

    def _hook(self, _process: str) -> Callable[[str], None]:
        return self.at_call if self.job_id and not self.at_call.operation else nothing
