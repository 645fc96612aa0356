"""How a stage fails: a stable code, whether a retry can help, and one sentence for the creator."""

import json
from typing import Self

_FINAL, _RETRYABLE = "Stage.Final", "Stage.Retryable"


class StageFailure(Exception):
    """The failure of a step. The creator reads `public_message`, so it holds no internals.

    The state machine carries it as an error name and a cause, for example `Stage.Final` and
    `{"code": "clip_too_short", "message": "The clip is too short."}`.
    """

    def __init__(self, code: str, public_message: str, *, retryable: bool = False) -> None:
        super().__init__(f"{code}: {public_message}")
        self.code = code
        self.public_message = public_message
        self.retryable = retryable

    @property
    def state_error(self) -> str:
        """The error name in the state machine. There are two names, so a new code changes no state."""
        return _RETRYABLE if self.retryable else _FINAL

    @property
    def cause(self) -> str:
        """The cause in the state machine: JSON that `read` understands."""
        return json.dumps({"code": self.code, "message": self.public_message})

    @classmethod
    def read(cls, state_error: str | None, cause: str | None) -> Self | None:
        """Return the failure that these two strings carry; None if a timer or AWS itself ended the stage."""
        if state_error not in {_FINAL, _RETRYABLE}:
            return None
        try:
            carried = json.loads(cause or "")
            return cls(str(carried["code"]), str(carried["message"]), retryable=state_error == _RETRYABLE)
        except (ValueError, TypeError, KeyError):
            return None


# Failures that no engine raises. They are reported, never raised: a raised one would collect tracebacks.
WORKER_LOST = StageFailure("worker_lost", "This step failed several times. Nothing was charged.")
INVOCATION_LOST = StageFailure(WORKER_LOST.code, WORKER_LOST.public_message, retryable=True)
JOB_ENDED = StageFailure("job_ended", "The job has ended.")
UNEXPECTED = StageFailure("unexpected", "Something went wrong on our side. Nothing was charged.")
