"""Stripe's error bodies."""

from typing import Any


class StripeRefusal(Exception):
    """An error answer of the fake Stripe."""

    def __init__(
        self, status: int, message: str, *, kind: str = "invalid_request_error", code: str = "", param: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        fields = {"type": kind, "message": message, "code": code, "param": param}
        error: dict[str, Any] = {name: value for name, value in fields.items() if value}
        if code:
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        self.body = {"error": error}


def missing(kind: str, id_: str) -> StripeRefusal:
    return StripeRefusal(404, f"No such {kind}: '{id_}'", code="resource_missing", param="id")


def required(param: str) -> StripeRefusal:
    return StripeRefusal(400, f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown(param: str) -> StripeRefusal:
    return StripeRefusal(400, f"Received unknown parameter: {param}", code="parameter_unknown", param=param)
