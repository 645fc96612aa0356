"""Run the real Lambda handlers in this process, each call in a thread, with Lambda's context."""

import asyncio
import json
import logging
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from time import monotonic
from typing import Any
from uuid import uuid4

from local.environment import PREFIX, function_arn

Handler = Callable[[Any, Any], Any]
THREADS = 32
TIMEOUT_SECONDS = 29.0  # API Gateway's limit; no function of ours takes longer

log = logging.getLogger(__name__)


class FunctionFailed(Exception):
    """A handler raised an exception. `answer` is the body that Lambda would return to the caller."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.answer = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "stackTrace": traceback.format_exception(error),
        }


@dataclass(frozen=True)
class LambdaContext:
    """The second argument of every handler."""

    function_name: str
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    memory_limit_in_mb: int = 512
    function_version: str = "$LATEST"
    deadline: float = field(default_factory=lambda: monotonic() + TIMEOUT_SECONDS)

    @property
    def invoked_function_arn(self) -> str:
        return function_arn(self.function_name)

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{PREFIX}-{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        return "local"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - monotonic()) * 1000))


def _with_event_loop() -> None:
    asyncio.set_event_loop(asyncio.new_event_loop())  # Mangum uses the calling thread's event loop


class Functions:
    """The deployment's functions by name. `entries` maps a name to `module:attribute`."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._entries = dict(entries)
        self._handlers: dict[str, Handler] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="function", initializer=_with_event_loop)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def load(self) -> None:
        """Import every handler, so that no request waits for it."""
        for name, entry in self._entries.items():
            module, _, attribute = entry.partition(":")
            self._handlers[name] = getattr(import_module(module), attribute)

    def start(self, name: str, event: Any) -> "Future[Any]":
        """Call the handler in a thread."""
        return self._threads.submit(self._handlers[name], event, LambdaContext(name))

    def call(self, name: str, event: Any, timeout_seconds: float | None = None) -> Any:
        """Call the handler and return its response. Raise FunctionFailed."""
        future = self.start(name, event)
        return self._answer(name, future.exception(timeout_seconds), future)

    async def call_async(self, name: str, event: Any) -> Any:
        """Call the handler and return its response. Raise FunctionFailed, or TimeoutError after API Gateway's limit."""
        future = self.start(name, event)
        done, _ = await asyncio.wait({asyncio.wrap_future(future)}, timeout=TIMEOUT_SECONDS)
        if not done:
            raise TimeoutError
        return self._answer(name, future.exception(), future)

    def _answer(self, name: str, error: BaseException | None, future: "Future[Any]") -> Any:
        if error is not None:
            log.error("%s raised", name, exc_info=error)
            raise FunctionFailed(error)
        return future.result()


def to_json(value: Any) -> str:
    """Return `value` as JSON text. Raise TypeError for a value that Lambda could not return either."""
    return json.dumps(value, separators=(",", ":"))
