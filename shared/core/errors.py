"""Errors that a caller may see: a stable code, an HTTP status, one sentence."""


class AppError(Exception):
    """Base of every error that is rendered to a caller; `facts` stand beside the sentence."""

    code = "internal"
    status = 500

    def __init__(self, detail: str, **facts: object) -> None:
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
