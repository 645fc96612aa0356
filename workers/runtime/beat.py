"""The beat of one attempt: it extends lease and visibility, writes progress, and detects a reason to stop.

It has two clocks. One write to the table renews the lease and carries progress and preview, so a write of progress also
postpones the next renewal of the lease. The visibility of the message has a clock of its own.
"""

from collections.abc import Callable
from enum import Enum
from threading import Event, Thread
from time import monotonic
from types import TracebackType

from shared.aws import media
from shared.core.clock import utc_now
from shared.jobs.keys import preview_key
from shared.jobs.steps import Fenced
from shared.jobs.store import jobs
from shared.observability import logged, logger
from workers.engines.contract import Stopped
from workers.runtime.attempt import Attempt
from workers.runtime.config import WorkerConfig
from workers.runtime.granted import NotGranted
from workers.runtime.outages import AWS_ERRORS
from workers.runtime.receipt import Receipt

TICK_SECONDS = 0.25  # interval between two checks of the clocks


class StopReason(Enum):
    """The reason why a run must stop."""

    ENDED = "the job has ended"
    FENCED = "another attempt has the step"
    SHUTDOWN = "the worker is shutting down"


def write_due(since_seconds: float, moved_percent: int, config: WorkerConfig) -> bool:
    """Return whether a write to the table is due, given the time and the progress in percent since the last write."""
    if since_seconds >= config.beat_seconds:
        return True
    return since_seconds >= config.progress_seconds and moved_percent >= config.progress_percent


class Beat:
    """A thread that runs beside the engine while the `with` block lasts."""

    def __init__(
        self,
        attempt: Attempt,
        *,
        delivery: Receipt,
        shutdown_requested: Callable[[], bool],
        config: WorkerConfig,
    ) -> None:
        self.stop_reason: StopReason | None = None
        self._attempt, self._delivery = attempt, delivery
        self._shutdown_requested, self._config = shutdown_requested, config
        self._percent = self._written = self._previews = 0
        self._preview: bytes | None = None
        self._last_preview = monotonic()
        self._last_write = self._last_hide = monotonic()
        self._over = Event()
        self._thread = Thread(target=self._run, name=f"beat {attempt.id}", daemon=True)

    def __enter__(self) -> "Beat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def progress(self, fraction: float) -> None:
        """Store the fraction of the work that is done. Raise Stopped if the run must end.

        The engine may call this at any rate.
        """
        if self.stop_reason is None and self._shutdown_requested():
            self.stop_reason = StopReason.SHUTDOWN
        if self.stop_reason is not None:
            raise Stopped(self.stop_reason.value)
        self._percent = max(self._percent, min(100, int(100 * fraction)))

    def preview(self, draw: Callable[[], bytes]) -> None:
        """Call `draw`, which returns a small JPEG of the work, if a preview is due.

        The engine may call this at any rate.
        """
        if monotonic() - self._last_preview >= self._config.preview_seconds:
            self._preview, self._last_preview = draw(), monotonic()

    def _run(self) -> None:
        task = self._attempt.task
        ids = {"job_id": task.job_id, "step_id": task.step_id, "stage": task.stage.value}
        with logged(**ids, attempt=self._attempt.id):  # a new thread does not inherit log ids
            self._watch()

    def _watch(self) -> None:
        while not self._over.wait(TICK_SECONDS) and self.stop_reason is None:
            now = monotonic()
            to_write = write_due(now - self._last_write, self._percent - self._written, self._config)
            to_hide = now - self._last_hide >= self._config.beat_seconds
            if to_write or to_hide:
                self._beat(now, to_write=to_write, to_hide=to_hide)

    def _beat(self, now: float, *, to_write: bool, to_hide: bool) -> None:
        if to_hide:  # before the write, so that the message stays hidden while the table cannot be reached
            self._hide()
            self._last_hide = now
        try:
            if to_write:
                self._write(now)
        except (Fenced, NotGranted):
            self.stop_reason = self._reason_fenced()
        except AWS_ERRORS:
            logger.exception("beat failed")
            if now - self._last_write > self._config.lease_seconds:
                self.stop_reason = StopReason.FENCED  # the lease has expired: another attempt may have claimed the step

    def _hide(self) -> None:
        try:
            self._delivery.hide(self._config.lease_seconds)
        except AWS_ERRORS:
            logger.exception("message not hidden")

    def _write(self, now: float) -> None:
        at, percent = utc_now(), self._percent
        moved = percent != self._written
        self._attempt.beat(
            lease_until=at + self._config.lease,
            percent=percent if moved else None,
            preview=self._upload_preview(),
            at=at,
        )
        self._last_write, self._written = now, percent

    def _upload_preview(self) -> int | None:
        """Upload the newest preview and return its number, or None if there is no new preview."""
        jpeg, self._preview = self._preview, None
        if jpeg is None:
            return None
        self._previews += 1
        task = self._attempt.task
        key = preview_key(task.job_id, task.stage, self._attempt.id, self._previews)
        media.put(jpeg, key, "image/jpeg", kind="work", client=self._attempt.media.client)
        return self._previews

    def _reason_fenced(self) -> StopReason:
        return StopReason.ENDED if jobs.is_over(self._attempt.task.job_id) else StopReason.FENCED
