"""The error for a creator's file that cannot be used."""

from shared.stages.failures import StageFailure


class Unreadable(StageFailure):
    """A creator's file that cannot be used. It is not retryable.

    `code` begins with the kind of file: `clip_truncated`, `picture_damaged`, `audio_missing`, `captions_too_long`.
    """

    def __init__(self, code: str, public_message: str) -> None:
        super().__init__(code, public_message)
