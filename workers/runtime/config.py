"""How long a silent worker counts as alive."""

from datetime import timedelta

from shared.core.config import Config


class WorkerConfig(Config):
    """A lease outlives three missed beats; a dead worker's task is taken over after one lease."""

    lease_seconds: int = 15
    beat_seconds: float = 5
    # Each write to the job costs a unit, so that progress is written when it has moved far enough for a bar to show,
    # 15 % of a step being 5 % of a job with three; and with each renewal of the lease, however little it has moved.
    progress_seconds: float = 3  # at most one progress write in this time,
    progress_percent: int = 15  # and only for this much, unless the lease is due
    preview_seconds: float = 5  # a new look at the work in hand at most this often; it rides along with a write

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
