"""SageMaker's asynchronous endpoints: the invocation for a step, and the notification of a failed invocation."""

from collections.abc import Mapping

from pydantic import BaseModel, Field, Json

from shared.aws import media
from shared.aws.clients import sagemaker_runtime
from shared.aws.traces import header
from shared.core.config import Config
from shared.jobs.keys import task_key
from shared.stages.messages import StageTask, sending
from shared.stages.stages import STAGES, WORK_SECONDS, Stage


class SageMakerConfig(Config):
    sagemaker_endpoints: Json[Mapping[Stage, str]] = Field(default_factory=dict)  # endpoint name by stage


class FailedInvocation(BaseModel, defer_build=True):
    """SageMaker's notification, on its error topic, of an invocation that failed."""

    inference_id: str = Field(alias="inferenceId")
    reason: str = Field(alias="failureReason", default="")

    @property
    def step(self) -> tuple[str, Stage]:
        job_id, stage, _ = self.inference_id.split(".")
        return job_id, Stage(stage)

    def has_token(self, token: str) -> bool:
        """Return whether this invocation was sent with this task token, and not with an earlier one."""
        return self.inference_id == _inference_id(*self.step, token)


def endpoint_of(stage: Stage) -> str | None:
    """Return the name of the endpoint that serves the stage, or None if workers on its queue serve it."""
    return SageMakerConfig().sagemaker_endpoints.get(stage)


def invoke(endpoint: str, task: StageTask, token: str) -> None:
    """Send the step to the endpoint. The task is stored with its job's media and is deleted with them."""
    inference_id = _inference_id(task.job_id, task.stage, token)
    key = task_key(task.job_id, task.stage, inference_id)
    media.put(task.encoded().encode(), key, "application/json", kind="work")
    trace = header()
    sagemaker_runtime().invoke_endpoint_async(
        EndpointName=endpoint,
        InputLocation=media.address(key),
        ContentType="application/json",
        InferenceId=inference_id,
        InvocationTimeoutSeconds=STAGES[task.stage].invocation_seconds,
        RequestTTLSeconds=WORK_SECONDS,  # maximum wait in the endpoint's queue
        **({"CustomAttributes": trace} if trace else {}),
    )


def _inference_id(job_id: str, stage: Stage, token: str) -> str:
    """Return the id of one invocation. Retry makes several for a step, each with its own token.

    The id contains a hash of the token, because the token is a secret.
    """
    return f"{job_id}.{stage}.{sending(token)}"
