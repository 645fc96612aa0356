"""X-Ray traces: the trace of the current work, and segments that Lambda does not report itself."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import time

from botocore.exceptions import BotoCoreError, ClientError

from shared.aws.clients import xray
from shared.observability import logger

TRACE = "_X_AMZN_TRACE_ID"  # Lambda sets this variable and the logger reads it


@dataclass
class Segment:
    """The data that X-Ray receives about one block of work. X-Ray indexes the annotations for search."""

    annotations: dict[str, str] = field(default_factory=dict)
    fault: bool = False


def header() -> str:
    """Return `Root=1-...;Parent=...;Sampled=1` of the current work, or "" when it belongs to no trace."""
    return os.environ.get(TRACE, "")


@contextmanager
def segment(name: str, **annotations: str) -> Iterator[Segment]:
    """Report the block's start and end to X-Ray if its trace is sampled. If the block raises, mark it as a fault.

    This uses no SDK: X-Ray's SDK is no longer developed, and OpenTelemetry's SDK needs a collector in each task.
    A segment that X-Ray does not accept is logged, and the work continues.
    """
    reported, began = Segment(annotations), time()
    try:
        yield reported
    except BaseException:
        reported.fault = True
        raise
    finally:
        parts = dict(part.split("=", 1) for part in header().split(";") if "=" in part)
        if parts.get("Sampled") == "1" and "Root" in parts:
            _send(name, reported, parts, began)


def _send(name: str, reported: Segment, parts: dict[str, str], began: float) -> None:
    document = {
        "name": name,
        "id": secrets.token_hex(8),
        "trace_id": parts["Root"],
        "start_time": began,
        "end_time": time(),
        "annotations": reported.annotations,
        "fault": reported.fault,
    }
    if "Parent" in parts:
        document["parent_id"] = parts["Parent"]
    try:
        answer = xray().put_trace_segments(TraceSegmentDocuments=[json.dumps(document)])
    except (ClientError, BotoCoreError) as error:
        logger.warning("trace not reported", error=str(error))
        return
    for refused in answer.get("UnprocessedTraceSegments", ()):
        logger.warning("trace not reported", error=refused.get("Message", ""))
