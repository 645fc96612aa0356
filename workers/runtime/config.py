"""How long a silent worker counts as alive."""

from datetime import timedelta

from shared.core.config import Config


class WorkerConfig(Config):
    """A lease outlives three missed beats; a dead worker's task is taken over after one lease."""

    lease_seconds: int = 15
    beat_seconds: float = 5
    progress_seconds: float = 1  # at most one progress write in this time,
    progress_percent: int = 5  # and only for this much
    preview_seconds: float = 2  # a new look at the work in hand at most this often

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)


class RemoteConfig(Config):
    """How often a provider is looked at. A lease outlives the longest pause and the function that follows it."""

    remote_lease_seconds: int = 180
    remote_poll_seconds: int = 5  # before the first look; each later one waits a second longer
    remote_poll_most_seconds: int = 60

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.remote_lease_seconds)
