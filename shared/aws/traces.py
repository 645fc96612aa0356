"""The trace that a piece of work belongs to, and its part in it where Lambda does not tell X-Ray by itself."""

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

TRACE = "_X_AMZN_TRACE_ID"  # where Lambda tells which trace it works for, and the logger reads it


@dataclass
class Segment:
    """What will be told of a piece of work; annotations can be searched for."""

    annotations: dict[str, str] = field(default_factory=dict)
    fault: bool = False


def header() -> str:
    """`Root=1-...;Parent=...;Sampled=1` of the work at hand; empty when it belongs to no trace."""
    return os.environ.get(TRACE, "")


@contextmanager
def segment(name: str, **annotations: str) -> Iterator[Segment]:
    """Tell X-Ray when the block began and ended, unless its trace is not sampled; a block that raises is at fault.

    X-Ray's documents are sent as they are specified: its SDK is no longer developed, and OpenTelemetry's would bring a
    collector into each task for this one document. Work is worth more than its trace: what cannot be told is logged.
    """
    told, began = Segment(annotations), time()
    try:
        yield told
    except BaseException:
        told.fault = True
        raise
    finally:
        parts = dict(part.split("=", 1) for part in header().split(";") if "=" in part)
        if parts.get("Sampled") == "1" and "Root" in parts:
            _send(name, told, parts, began)


def _send(name: str, told: Segment, parts: dict[str, str], began: float) -> None:
    document = {
        "name": name,
        "id": secrets.token_hex(8),
        "trace_id": parts["Root"],
        "start_time": began,
        "end_time": time(),
        "annotations": told.annotations,
        "fault": told.fault,
    }
    if "Parent" in parts:
        document["parent_id"] = parts["Parent"]
    try:
        answer = xray().put_trace_segments(TraceSegmentDocuments=[json.dumps(document)])
    except (ClientError, BotoCoreError) as error:
        logger.warning("trace not told", error=str(error))
        return
    for refused in answer.get("UnprocessedTraceSegments", ()):
        logger.warning("trace not told", error=refused.get("Message", ""))
