"""`python lambda_child.py MODULE:HANDLER`: run a Lambda function as its runtime does, with one event on each line.

For the import of the handler, and for each event, it prints a line of JSON: the processor time of this process in ms
and, for an event, the answer. The handler's own output goes to stderr.
"""

import json
import os
import sys
from importlib import import_module
from time import process_time
from types import SimpleNamespace
from typing import Any

CONTEXT = SimpleNamespace(
    function_name="bench",
    function_version="1",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:bench:live",
    aws_request_id="00000000-0000-0000-0000-000000000000",
)


def main(entry: str) -> None:
    os.environ["AWS_LAMBDA_FUNCTION_NAME"] = CONTEXT.function_name
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    module, _, name = entry.partition(":")
    began = process_time()
    handler: Any = getattr(import_module(module), name)
    print(json.dumps({"ms": (process_time() - began) * 1000}), file=out)
    for line in sys.stdin:
        event = json.loads(line)
        began = process_time()
        answer = handler(event, CONTEXT)
        print(json.dumps({"ms": (process_time() - began) * 1000, "answer": answer}), file=out)


if __name__ == "__main__":
    main(sys.argv[1])
