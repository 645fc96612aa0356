"""Failures of a stage: a stable code, whether a retry can help, and one sentence for the creator."""

import json
from typing import Self

_FINAL, _RETRYABLE = "Stage.Final", "Stage.Retryable"


class StageFailure(Exception):
    """The failure of a step. Creators read `public_message`, so it contains no internal details.

    The state machine has it as an error name and a cause, for example `Stage.Final` and
    `{"code": "clip_too_short", "message": "The clip is too short."}`.
    """

    def __init__(self, code: str, public_message: str, *, retryable: bool = False) -> None:
        super().__init__(f"{code}: {public_message}")
        self.code = code
        self.public_message = public_message
        self.retryable = retryable

    @property
    def state_error(self) -> str:
        """The error name in the state machine: one of two, so that a new code does not change the state machine."""
        return _RETRYABLE if self.retryable else _FINAL

    @property
    def cause(self) -> str:
        """The cause in the state machine: JSON that `read` parses."""
        return json.dumps({"code": self.code, "message": self.public_message})

    @classmethod
    def read(cls, state_error: str | None, cause: str | None) -> Self | None:
        """Return the failure with this error name and cause, or None if a timeout or AWS ended the stage."""
        if state_error not in {_FINAL, _RETRYABLE}:
            return None
        try:
            parsed = json.loads(cause or "")
            return cls(str(parsed["code"]), str(parsed["message"]), retryable=state_error == _RETRYABLE)
        except (ValueError, TypeError, KeyError):
            return None


# Failures that engines do not raise. Code reports them and does not raise them: a shared exception collects tracebacks.
WORKER_LOST = StageFailure("worker_lost", "This step failed several times. Nothing was charged.")
INVOCATION_LOST = StageFailure(WORKER_LOST.code, WORKER_LOST.public_message, retryable=True)
JOB_ENDED = StageFailure("job_ended", "The job has ended.")
UNEXPECTED = StageFailure("unexpected", "Something went wrong on our side. Nothing was charged.")
