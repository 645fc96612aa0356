"""The beat of one attempt: extends lease, visibility and heartbeat, writes progress, and learns that it must stop.

Two clocks: one write to the table renews the lease and carries progress and preview, so none follows another for a
lease's sake alone; queue and state machine are told of life in their own time.
"""

from collections.abc import Callable
from enum import Enum
from threading import Event, Thread
from time import monotonic
from types import TracebackType

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from shared.aws import media
from shared.core.clock import utc_now
from shared.jobs.keys import preview_key
from shared.jobs.steps import Fenced
from shared.jobs.store import jobs
from shared.observability import logged, logger
from workers.engines.contract import Stopped
from workers.runtime.attempt import Attempt
from workers.runtime.config import WorkerConfig
from workers.runtime.receipt import Receipt

TICK_SECONDS = 0.25  # how often it looks at its clocks


class Why(Enum):
    """Why a run must stop."""

    ENDED = "the job has ended"
    FENCED = "another attempt has the step"
    SHUTDOWN = "the worker was told to stop"


def write_due(since_seconds: float, moved_percent: int, config: WorkerConfig) -> bool:
    """Whether the table is written so long after the last write, when progress has moved so much since."""
    if since_seconds >= config.beat_seconds:
        return True
    return since_seconds >= config.progress_seconds and moved_percent >= config.progress_percent


class Beat:
    """Runs beside the engine, in a thread of its own, while the block lasts."""

    def __init__(
        self,
        attempt: Attempt,
        *,
        delivery: Receipt,
        shutdown_asked: Callable[[], bool],
        config: WorkerConfig,
    ) -> None:
        self.why: Why | None = None
        self._attempt, self._delivery = attempt, delivery
        self._shutdown_asked, self._config = shutdown_asked, config
        self._percent = self._written = self._previews = 0
        self._preview: bytes | None = None
        self._last_preview = monotonic()
        self._last_write = self._last_told = monotonic()
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
        """Called by the engine, as often as it likes; raises Stopped when it must end."""
        if self.why is None and self._shutdown_asked():
            self.why = Why.SHUTDOWN
        if self.why is not None:
            raise Stopped(self.why.value)
        self._percent = max(self._percent, min(100, int(100 * fraction)))

    def preview(self, draw: Callable[[], bytes]) -> None:
        """Called by the engine, as often as it likes: `draw` makes a small JPEG of its work, when one is due."""
        if monotonic() - self._last_preview >= self._config.preview_seconds:
            self._preview, self._last_preview = draw(), monotonic()

    def _run(self) -> None:
        task = self._attempt.task
        ids = {"job_id": task.job_id, "step_id": task.step_id, "stage": task.stage.value}
        with logged(**ids, attempt=self._attempt.id):  # a thread begins with no ids of another
            self._watch()

    def _watch(self) -> None:
        while not self._over.wait(TICK_SECONDS) and self.why is None:
            now = monotonic()
            to_write = write_due(now - self._last_write, self._percent - self._written, self._config)
            to_tell = now - self._last_told >= self._config.beat_seconds
            if to_write or to_tell:
                self._beat(now, to_write=to_write, to_tell=to_tell)

    def _beat(self, now: float, *, to_write: bool, to_tell: bool) -> None:
        try:
            if to_write:
                self._write(now)
            if to_tell:
                self._delivery.hide(self._config.lease_seconds)
                self._attempt.heartbeat()
                self._last_told = now
        except Fenced:
            self.why = self._why_fenced()
        except (ClientError, BotoCoreError, PynamoDBException):
            logger.exception("missed a beat")
            if now - self._last_write > self._config.lease_seconds:
                self.why = Why.FENCED  # the lease has lapsed unrenewed: somebody else may be at work by now

    def _write(self, now: float) -> None:
        at, percent = utc_now(), self._percent
        moved = percent != self._written
        self._attempt.beat(
            lease_until=at + self._config.lease,
            percent=percent if moved else None,
            preview=self._show_preview(),
            at=at,
        )
        self._last_write, self._written = now, percent

    def _show_preview(self) -> int | None:
        """Upload what the engine drew last; answers its number."""
        jpeg, self._preview = self._preview, None
        if jpeg is None:
            return None
        self._previews += 1
        task = self._attempt.task
        key = preview_key(task.job_id, task.stage, self._attempt.id, self._previews)
        media.put(jpeg, key, "image/jpeg", kind="work")
        return self._previews

    def _why_fenced(self) -> Why:
        return Why.ENDED if jobs.is_over(self._attempt.task.job_id) else Why.FENCED
