"""A task as a worker received it, wherever it came from."""

from typing import Protocol


class Receipt(Protocol):
    """What the step's runner and its beat do with a task besides doing it."""

    @property
    def body(self) -> str:
        """The `StageTask` as JSON."""

    def delete(self) -> None:
        """Done with, however it ended: nobody need get it again."""

    def hide(self, seconds: int) -> None:
        """Still at work for so long; 0 hands it back for another worker to do."""
