"""The messages between the function that receives an upload and the function without a network that decodes it."""

from shared.core.wire import Wire
from shared.stages.messages import MediaCredentials


class VerificationOrder(Wire):
    """The order to verify the upload of an asset."""

    asset_id: str
    credentials: MediaCredentials


class VerificationOutcome(Wire):
    """The answer to an order. `outage` is the error of an AWS service that does not answer."""

    outage: str | None = None
