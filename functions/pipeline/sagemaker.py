"""SageMaker's asynchronous endpoints: how a step is sent to one, and what it says of one that came to nothing."""

from collections.abc import Mapping
from hashlib import sha256

from pydantic import BaseModel, Field

from shared.aws import media
from shared.aws.clients import sagemaker_runtime
from shared.aws.traces import header
from shared.core.config import Config
from shared.jobs.keys import task_key
from shared.stages.messages import StageTask
from shared.stages.stages import STAGES, Stage


class SageMakerConfig(Config):
    sagemaker_endpoints: Mapping[Stage, str] = Field(default_factory=dict)  # JSON: stages that they serve, and names


class FailedInvocation(BaseModel):
    """What SageMaker tells its error topic of a step that it could not have done."""

    inference_id: str = Field(alias="inferenceId")
    reason: str = Field(alias="failureReason", default="")

    @property
    def step(self) -> tuple[str, Stage]:
        job_id, stage, _ = self.inference_id.split(".")
        return job_id, Stage(stage)

    def is_of(self, token: str) -> bool:
        """Whether this is about the sending that the token came with, and not about an earlier one."""
        return self.inference_id == _inference_id(*self.step, token)


def endpoint_of(stage: Stage) -> str | None:
    """Name of the endpoint that serves the stage here; None where workers on its queue do."""
    return SageMakerConfig().sagemaker_endpoints.get(stage)


def invoke(endpoint: str, task: StageTask, token: str) -> None:
    """Send the step. The task lies among its job's media, and goes with them."""
    inference_id = _inference_id(task.job_id, task.stage, token)
    key = task_key(task.job_id, task.stage, inference_id)
    media.put(task.model_dump_json(by_alias=True).encode(), key, "application/json", kind="work")
    trace = header()
    sagemaker_runtime().invoke_endpoint_async(
        EndpointName=endpoint,
        InputLocation=media.address(key),
        ContentType="application/json",
        InferenceId=inference_id,
        InvocationTimeoutSeconds=STAGES[task.stage].timeout_seconds,
        RequestTTLSeconds=STAGES[task.stage].timeout_seconds,
        **({"CustomAttributes": trace} if trace else {}),
    )


def _inference_id(job_id: str, stage: Stage, token: str) -> str:
    """Names the sending, of which Retry makes several; the token itself is a secret."""
    return f"{job_id}.{stage}.{sha256(token.encode()).hexdigest()[:12]}"
