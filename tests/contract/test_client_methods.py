"""Each operation of docs/openapi.json has a method of the Python client, and each method sends an operation."""

import httpx
import pytest

from tests.support.client_methods import names_of, operation_of, operations, sent

# Operations without a method, and the reason.
LEFT_OUT = {
    **dict.fromkeys(
        ("register", "verifyEmail", "forgotPassword", "resetPassword", "login", "refresh", "logout"),
        "a person signs in on the pages of the studio, and a program has a key",
    ),
    **dict.fromkeys(
        ("getTotp", "createTotp", "deleteTotp", "enableTotp"), "a person sets the second factor on a page of the studio"
    ),
    "receiveStripeEvent": "Stripe sends it",
    "reportError": "the studio in a browser sends it",
}
UNSENT_QUERY = {"cursor"}  # the iterator over pages sends it


@pytest.fixture(scope="module")
def requests() -> list[tuple[str, httpx.Request]]:
    return list(sent())


def test_each_operation_has_a_method_or_a_reason(requests: list[tuple[str, httpx.Request]]) -> None:
    reached = {operation_of(request.method, request.url.path) for _, request in requests} - {None}
    assert set(operations()) - reached == set(LEFT_OUT)


def test_each_method_sends_an_operation_with_all_of_its_parameters(requests: list[tuple[str, httpx.Request]]) -> None:
    """Queries are those of the operation together: `ledger` and `ledger_csv` share one."""
    queries: dict[str, set[str]] = {}
    for name, request in requests:
        operation = operation_of(request.method, request.url.path)
        if operation is None:
            assert name == "assets.upload", (name, request)  # the form of the storage
            continue
        queries.setdefault(operation, set()).update(dict(request.url.params))
        headers = names_of(operations()[operation][2], "header")
        assert ("idempotency-key" in request.headers) == ("idempotency-key" in headers), name
    for operation, query in queries.items():
        assert query == names_of(operations()[operation][2], "query") - UNSENT_QUERY, operation
