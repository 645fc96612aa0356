"""The function that EventBridge calls when a message of ours bounced, or when its reader has reported it as spam.

The address gets no more messages. SES pauses the sending of an account whose messages bounce too often.
"""

from collections.abc import Iterator
from typing import Any

from shared.core.clock import utc_now
from shared.mail.marks import Refusal, marks
from shared.observability import logger, observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Mark the addresses of the event. Return their number."""
    number = 0
    for address, reason in _refused(event["detail"]):
        marks.refuse(address, reason, at=utc_now())
        logger.info("address refused", reason=reason.value)
        number += 1
    return {"refused": number}


def _refused(detail: dict[str, Any]) -> Iterator[tuple[str, Refusal]]:
    """Yield the addresses. A bounce that is not permanent is a full mailbox, or a server that is not available."""
    bounce, complaint = detail.get("bounce", {}), detail.get("complaint", {})
    if bounce.get("bounceType") == "Permanent":
        for recipient in bounce["bouncedRecipients"]:
            yield recipient["emailAddress"], Refusal.BOUNCED
    if complaint.get("complaintFeedbackType") != "not-spam":  # such a report takes an earlier one back
        for recipient in complaint.get("complainedRecipients", ()):
            yield recipient["emailAddress"], Refusal.COMPLAINED
