"""The worker that verifies uploads before any other use: `python -m workers.verification.main`."""

import sys
from contextlib import suppress

from shared.assets.record import AssetRecord
from shared.assets.store import AssetNotFound, assets
from shared.observability import logger
from shared.stages.messages import MediaRequest
from shared.stages.queues import VERIFICATION_QUEUE, VERIFICATION_VISIBILITY_SECONDS
from workers.runtime.granted import GrantedMedia, reach_media
from workers.runtime.queues import Delivery, Shutdown, consume
from workers.verification import handler
from workers.verification.confinement import hide
from workers.verification.work import verify


def handle(delivery: Delivery) -> None:
    """Handle one delivery, and decode the upload on this machine. Raise one of `AWS_ERRORS`."""
    handler.handle(delivery, _verify_here)


def _verify_here(asset: AssetRecord, request: MediaRequest) -> None:
    verify(asset, GrantedMedia(request).client)


def main() -> None:
    hide()
    shutdown = Shutdown()
    shutdown.listen()
    logger.append_keys(worker=VERIFICATION_QUEUE)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    consume(
        (VERIFICATION_QUEUE,),
        handle,
        shutdown,
        visibility_seconds=VERIFICATION_VISIBILITY_SECONDS,
        probe=_reach_aws,
    )


def _reach_aws() -> None:
    with suppress(AssetNotFound):
        assets.get("ast_probe")
    reach_media()


if __name__ == "__main__":
    main()
