"""A task as a worker receives it, from SQS or from SageMaker."""

from typing import Protocol


class Receipt(Protocol):
    """The operations of the step's runner and its beat on the delivery of a task."""

    @property
    def body(self) -> str:
        """The `StageTask` as JSON."""

    def delete(self) -> None:
        """Delete the task, because it is done or has failed for good: it is not delivered again."""

    def hide(self, seconds: int) -> None:
        """Hide the task from other workers for `seconds`."""

    def hand_back(self) -> None:
        """Let another worker do the task at once. This does not count as a failed delivery."""
