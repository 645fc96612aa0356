"""Errors of the client. Each one derives from KinoraError.

`codes.py` has a class for each code of the API, below the class of its status: `NotEnoughCredits` is a
`PaymentRequired`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


class KinoraError(Exception):
    """Base of all errors of the client. The message is one sentence for people."""


class ConnectionFailed(KinoraError):
    """The studio did not answer, or the connection was cut, in every try."""


class WaitTimedOut(KinoraError):
    """The time of a wait passed. The job continues: wait again, or cancel it."""


class AssetRejected(KinoraError):
    """The studio could not read an uploaded file. `code` is the reason."""

    def __init__(self, detail: str, code: str | None) -> None:
        super().__init__(detail)
        self.code = code


class FilmFailed(KinoraError):
    """The job failed, and nothing was charged. `job_id` has its id."""

    def __init__(self, detail: str, job_id: str) -> None:
        super().__init__(detail)
        self.job_id = job_id


class FilmCancelled(FilmFailed):
    """The job was cancelled, and nothing was charged."""


class BadWebhook(KinoraError):
    """A webhook without a valid signature, or a too old one."""


class ApiError(KinoraError):
    """The studio refused a request. `code` is the kind of the problem, and never changes."""

    def __init__(self, status: int, problem: Mapping[str, Any], request_id: str | None) -> None:
        self.status = status
        self.code = str(problem.get("code") or f"http_{status}")
        self.detail = str(problem.get("detail") or f"The studio answered {status}.")
        self.request_id = request_id
        self.errors: list[dict[str, str]] = problem.get("errors") or []
        self.suggestions: list[str] = problem.get("suggestions") or []
        self.credits_needed: int | None = problem.get("creditsNeeded")
        self.max_credits: int | None = problem.get("maxCredits")
        super().__init__(self.detail)

    def __str__(self) -> str:
        fields = "".join(f" {error['field']}: {error['detail']}." for error in self.errors)
        request = f", request {self.request_id}" if self.request_id else ""
        return f"{self.detail}{fields} ({self.code}{request})"


class BadRequest(ApiError):
    """Status 400."""


class Unauthorized(ApiError):
    """Status 401: the key is missing, wrong, expired or revoked."""


class PaymentRequired(ApiError):
    """Status 402. `credits_needed` is the price."""


class Forbidden(ApiError):
    """Status 403: the key has no permission for the request."""


class NotFound(ApiError):
    """Status 404. `suggestions` has similar names that exist."""


class Conflict(ApiError):
    """Status 409."""


class Gone(ApiError):
    """Status 410."""


class PreconditionFailed(ApiError):
    """Status 412: the resource has changed since the caller read it."""


class Invalid(ApiError):
    """Status 422. `errors` has the invalid fields."""


class RateLimited(ApiError):
    """Status 429, after all retries."""


class ServerError(ApiError):
    """Status 500 to 599, after all retries."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    412: PreconditionFailed,
    422: Invalid,
    429: RateLimited,
}


def error_of(answer: "httpx.Response") -> ApiError:
    """Return the error of a response that is not a success, as the class of its code."""
    from .codes import CODES  # noqa: PLC0415  # it imports this module

    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    status = answer.status_code
    of_status = _BY_STATUS.get(status) or (ServerError if status >= 500 else ApiError)
    found = CODES.get(str(problem.get("code"))) or of_status
    return found(status, problem, problem.get("requestId") or answer.headers.get("x-request-id"))
