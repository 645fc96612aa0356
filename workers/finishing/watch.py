"""Watches how the camera of a paid clip moves; whatever goes wrong in that costs the score and never the clip."""

from shared.observability import logger
from workers.media.planes import Planes
from workers.motion.motion_course import CourseCheck


class Watch:
    """A check that no frame can break."""

    def __init__(self, check: CourseCheck) -> None:
        self._check: CourseCheck | None = check

    def see(self, planes: Planes) -> None:
        """Show it the next frame."""
        if self._check is None:
            return
        try:
            self._check.see(planes)
        except Exception:  # noqa: BLE001  # the film is worth more than what is said about it
            self._give_up()

    def score(self) -> float | None:
        """0..1 as the check says; None where it could not."""
        try:
            return self._check.score() if self._check else None
        except Exception:  # noqa: BLE001  # likewise
            self._give_up()
            return None

    def _give_up(self) -> None:
        logger.exception("motion not scored")
        self._check = None
