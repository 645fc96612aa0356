"""The motion check of a clip from a remote engine. An error in the check removes the score and keeps the film."""

from shared.observability import logger
from workers.media.planes import Planes
from workers.motion.motion_course import CourseCheck


class Watch:
    """A motion check that catches all exceptions."""

    def __init__(self, check: CourseCheck) -> None:
        self._check: CourseCheck | None = check

    def see(self, planes: Planes) -> None:
        """Check the next frame."""
        if self._check is None:
            return
        try:
            self._check.see(planes)
        except Exception:  # noqa: BLE001  # the film is worth more than its score
            self._stop()

    def score(self) -> float | None:
        """Return the score of the check, 0..1, or None if the check failed."""
        try:
            return self._check.score() if self._check else None
        except Exception:  # noqa: BLE001  # the film is worth more than its score
            self._stop()
            return None

    def _stop(self) -> None:
        logger.exception("motion not scored")
        self._check = None
