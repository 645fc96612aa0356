"""The timing of leases, beats and polls."""

from datetime import timedelta

from shared.core.config import Config


class WorkerConfig(Config):
    """The timing of in-process attempts. A lease lasts three beats. After it another worker can claim the step."""

    lease_seconds: int = 15
    beat_seconds: float = 5
    # Each write to the job costs a write unit and two calls of functions. Each renewal of the lease writes the
    # progress. A further write comes only from a quick step, of which a progress bar would otherwise show nothing.
    progress_seconds: float = 4  # minimum time between two writes of progress
    progress_percent: int = 25  # minimum progress between two writes, unless the lease is due
    preview_seconds: float = 5  # minimum time between two previews; a preview is sent with the next write

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)


class RemoteConfig(Config):
    """The timing of polls. A lease lasts longer than the longest pause plus the run of the next poll's function."""

    remote_lease_seconds: int = 240
    remote_poll_seconds: int = 5  # pause before the first poll; each later pause is one second longer
    remote_poll_most_seconds: int = 60  # maximum pause, unless the provider is busy for longer

    provider_webhook_url: str = (
        ""  # URL of the function `provider-webhook`, with a slash at its end; "" for no webhooks
    )

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.remote_lease_seconds)
