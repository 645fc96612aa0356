"""The messages on the queues. They are versioned, because a new version of the code reads older messages."""

import hmac
from hashlib import sha256
from typing import Literal

from pydantic import Field, JsonValue, SerializeAsAny, ValidationInfo, field_validator

from shared.core.wire import Wire
from shared.stages.requests import StageRequest
from shared.stages.stages import STAGES, Role, Stage


def sending(token: str) -> str:
    """Return the name of the sending for this task token. It is a hash, because the token is a secret."""
    return sha256(token.encode()).hexdigest()[:12]


class MoveCheck(Wire):
    """A request to measure whether the step's clip follows its move. The `last` clip is used whatever its score is.

    `clip_url` is the clip of a provider, which the function of remote engines has fetched, and `metrics` its metadata.
    None: the clip is not made yet.
    """

    clip_url: str | None = None
    metrics: dict[str, JsonValue] = Field(default_factory=dict)
    last: bool = False


class Fetched(Wire):
    """The files of a provider, as addresses by role, with which a worker completes the step (docs/adr/0074).

    `metrics` is the metadata that the provider's engine reported.
    """

    files: dict[Role, tuple[str, ...]]
    metrics: dict[str, JsonValue] = Field(default_factory=dict)


class StageTask(Wire):
    """A request for one step. `request` has the stage's request model."""

    version: Literal[1] = 1
    job_id: str
    step_id: str
    engine: str
    stage: Stage
    request: SerializeAsAny[StageRequest]
    proof: str | None = None  # a secret with which the worker receives access to the step's media
    sending: str | None = None  # `sending(token)` of the task token that this message was sent for
    check: MoveCheck | None = None  # of a clip whose camera a trained engine chooses
    fetched: Fetched | None = None  # of an engine that another one completes; None: the provider has not finished

    def was_sent_for(self, token: str) -> bool:
        """Return whether this is the token's message, and not one of an earlier token. Older messages do not tell."""
        return self.sending in {None, sending(token)}

    @property
    def webhook_secret(self) -> str | None:
        """The secret with which a provider signs its webhook. It follows from the proof, and does not tell it."""
        return hmac.new(self.proof.encode(), b"webhook", sha256).hexdigest() if self.proof else None

    @field_validator("request", mode="before")
    @classmethod
    def _of_the_stage(cls, request: object, known: ValidationInfo) -> object:
        stage = known.data.get("stage")  # missing if the stage itself is invalid
        return request if stage is None else STAGES[stage].request.model_validate(request)


class RemoteTask(Wire):
    """A request to submit a step to its provider or, after `attempt` submitted it, to make poll `poll_no`."""

    version: Literal[1] = 1
    task: StageTask
    attempt: str | None = None
    poll_no: int = Field(default=0, ge=0)


class AssetVerificationTask(Wire):
    """A request to verify the upload of an asset."""

    version: Literal[1] = 1
    asset_id: str
    proof: str | None = None  # a secret with which the worker receives access to the upload


class AssetImportTask(Wire):
    """A request to download the file of an asset. The URL can contain a secret of the creator's."""

    version: Literal[1] = 1
    asset_id: str
    url: str


class MediaRequest(Wire):
    """A worker's request for access to the media of one task: an attempt on a step, or the verification of an asset."""

    proof: str
    asset_id: str | None = None
    job_id: str | None = None
    stage: Stage | None = None
    attempt: str | None = None


class MediaCredentials(Wire):
    """Temporary AWS credentials for the media of one task, valid until `expires_at` (ISO 8601)."""

    access_key: str
    secret_key: str
    token: str
    expires_at: str
