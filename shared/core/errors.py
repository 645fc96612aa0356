"""Errors that a caller may receive: a stable code, an HTTP status, one sentence.

    AppError             500 internal
      Unauthorized       401 unauthorized      the caller has no valid session
      PaymentRequired    402 payment_required  the account has too few credits
      Forbidden          403 forbidden         the caller may not do this
      NotFound           404 not_found         the resource does not exist, or belongs to another account
      Conflict           409 conflict          the resource is in a state that does not allow this
      Invalid            422 invalid           the request is well formed, but its values are not allowed

Each noun derives its own errors from these, with its own `code`: `JobNotFound(NotFound)` is `job_not_found`.
"""

from http import HTTPStatus
from typing import Any

# Headers that tell a client what to do next, by status.
ADVICE: dict[int, dict[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": "1"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "5"},
}


class AppError(Exception):
    """Base of every error that is sent to a caller. `facts` are optional fields of `Problem`, and `headers`."""

    code = "internal"
    status = 500

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class NotFound(AppError):
    code, status = "not_found", 404


class Conflict(AppError):
    code, status = "conflict", 409


class Forbidden(AppError):
    code, status = "forbidden", 403


class Unauthorized(AppError):
    code, status = "unauthorized", 401


class PaymentRequired(AppError):
    code, status = "payment_required", 402


class Invalid(AppError):
    code, status = "invalid", 422
