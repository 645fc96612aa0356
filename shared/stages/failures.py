"""How a stage fails: a stable code, whether trying again can help, and one sentence for the creator."""


class StageFailure(Exception):
    """Raised by engines and the worker runtime; `public_message` is shown to the creator, so it holds no internals."""

    def __init__(self, code: str, public_message: str, *, retryable: bool = False) -> None:
        super().__init__(f"{code}: {public_message}")
        self.code = code
        self.public_message = public_message
        self.retryable = retryable

    @property
    def state_error(self) -> str:
        """The error name that the state machine sees; two names, so that a new code touches no ASL."""
        return "Stage.Retryable" if self.retryable else "Stage.Final"
