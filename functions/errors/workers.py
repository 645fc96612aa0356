"""The function that sends workers' errors to Sentry. Workers have no internet access, so it reads their log lines.

CloudWatch Logs calls it with the lines of level ERROR and CRITICAL. A lost call loses a report and not the log line.
"""

import gzip
import json
from base64 import b64decode
from typing import Any

from shared.observability import Raised, StackFrame, observed, report

IDS = ("job_id", "step_id", "asset_id", "stage", "attempt", "code")  # the fields that contain no words of a creator


@observed
def handler(event: dict[str, Any], _context: object) -> None:
    delivered = json.loads(gzip.decompress(b64decode(event["awslogs"]["data"])))
    for entry in delivered["logEvents"]:
        line = json.loads(entry["message"])
        report(str(line["message"]), _raised(line), **{name: str(line[name]) for name in IDS if name in line})


def _raised(line: dict[str, Any]) -> Raised | None:
    trace = line.get("stack_trace")
    if not trace:
        return None
    return Raised(
        trace["type"], tuple(StackFrame(each["file"], each["function"], each["line"]) for each in trace["frames"])
    )
