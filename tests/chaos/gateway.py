"""`python -m tests.chaos.gateway SOCKET_FD FOLDER`: the gateway with a faulty stream, and with shorter intervals.

A restarted gateway continues the stream where the old one stopped, as Lambda does. The batch in between is delivered
again. `pipeline-reconcile` looks at every job every few seconds, because a storm lasts minutes.
"""

import asyncio
import json
import os
import socket
import sys
import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from functions.pipeline import reconcile, signal
from local.gateway import pumps
from local.gateway.__main__ import serve
from local.gateway.pumps import Deliver, Records

_BAD_IMAGE = {"job_id": {"S": "job_poison"}, "steps": {"S": "not a map"}, "status": {"N": "1"}}


def shorten_intervals() -> None:
    """Shorten what is made for jobs of hours."""
    pumps.RECONCILE_EVERY_SECONDS = 5  # type: ignore[attr-defined]  # imported there
    reconcile.GRACE = timedelta(seconds=10)
    reconcile.TURNS = 1
    signal.RESEND_SECONDS = 1


def break_stream(folder: Path) -> None:
    """Deliver some batches twice, and some with a record that cannot be read. Store the position of each reader."""
    deliver, iterator = pumps.deliver, pumps._iterator

    def position() -> Path:
        return folder / f"stream-position.{threading.current_thread().name}"

    def faulty(records: Records, call: Deliver, *, attempts: int = pumps.BATCH_ATTEMPTS) -> Records:
        fault = _ask(len(records))
        sent = [*records, _poisonous(records[-1])] if fault == "stream: poisonous record" else records
        lost = [record for record in deliver(sent, call, attempts=attempts) if record in records]
        if fault == "stream: duplicate records":
            lost += deliver(records, call, attempts=attempts)
        position().write_text(records[-1]["dynamodb"]["SequenceNumber"])
        return lost

    def continued(streams: Any, arn: str, after: str | None) -> str:
        return iterator(streams, arn, after or (position().read_text() if position().exists() else None))

    pumps.deliver, pumps._iterator = faulty, continued


def _ask(records: int) -> str:
    url = f"{os.environ['AWS_ENDPOINT_URL']}/chaos/stream?{urlencode({'records': records})}"
    with urlopen(url, timeout=60) as answer:  # noqa: S310  # our own address
        return str(json.load(answer) or "")


def _poisonous(record: Mapping[str, Any]) -> dict[str, Any]:
    change = record["dynamodb"] | {"NewImage": _BAD_IMAGE, "OldImage": _BAD_IMAGE, "SequenceNumber": "poison"}
    return {**record, "dynamodb": change}


if __name__ == "__main__":
    shorten_intervals()
    break_stream(Path(sys.argv[2]))
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])))
