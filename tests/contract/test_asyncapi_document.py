"""The WebSocket document is valid AsyncAPI 3.0 and describes every message."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from functions.realtime.messages import ClientMessage
from infra.functions import SOCKET_ROUTES
from shared.core.wire import View
from tests.support.documents import check_event
from tests.support.json_schema import faults, pointed
from tools.asyncapi_document import ServerMessage, asyncapi

DOCUMENT = asyncapi()
MESSAGES: dict[str, dict[str, Any]] = DOCUMENT["components"]["messages"]
OPERATIONS: dict[str, dict[str, Any]] = DOCUMENT["operations"]

# The fields of each object, from the AsyncAPI 3.0 specification: (required, optional).
FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "root": (
        {"asyncapi", "info"},
        {"id", "servers", "defaultContentType", "channels", "operations", "components"},
    ),
    "info": (
        {"title", "version"},
        {"description", "termsOfService", "contact", "license", "tags", "externalDocs"},
    ),
    "server": (
        {"host", "protocol"},
        {"protocolVersion", "pathname", "description", "title", "summary", "variables", "security", "tags",
         "externalDocs", "bindings"},
    ),
    "variable": (set(), {"enum", "default", "description", "examples"}),
    "channel": (
        set(),
        {"address", "messages", "title", "summary", "description", "servers", "parameters", "tags", "externalDocs",
         "bindings"},
    ),
    "operation": (
        {"action", "channel"},
        {"title", "summary", "description", "security", "tags", "externalDocs", "bindings", "traits", "messages",
         "reply"},
    ),
    "reply": (set(), {"address", "channel", "messages"}),
    "components": (
        set(),
        {"schemas", "servers", "channels", "operations", "messages", "securitySchemes", "serverVariables",
         "parameters", "correlationIds", "replies", "replyAddresses", "externalDocs", "tags", "operationTraits",
         "messageTraits", "serverBindings", "channelBindings", "operationBindings", "messageBindings"},
    ),
    "message": (
        set(),
        {"headers", "payload", "correlationId", "contentType", "name", "title", "summary", "description", "tags",
         "externalDocs", "bindings", "examples", "traits"},
    ),
    "example": (set(), {"headers", "payload", "name", "summary"}),
    "http": ({"type", "scheme"}, {"description", "bearerFormat"}),
    "httpApiKey": ({"type", "name", "in"}, {"description"}),
}  # fmt: skip


def kinds() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (kind, place, object) for each object of the document whose fields the specification defines."""
    yield "root", "/", DOCUMENT
    yield "info", "info", DOCUMENT["info"]
    yield "components", "components", DOCUMENT["components"]
    for name, server in DOCUMENT["servers"].items():
        yield "server", name, server
        yield from (("variable", f"{name}.{key}", variable) for key, variable in server["variables"].items())
    yield from (("channel", name, channel) for name, channel in DOCUMENT["channels"].items())
    for name, operation in OPERATIONS.items():
        yield "operation", name, operation
        if "reply" in operation:
            yield "reply", f"{name}.reply", operation["reply"]
    for name, message in MESSAGES.items():
        yield "message", name, message
        yield from (("example", f"{name}.example", example) for example in message["examples"])
    for name, scheme in DOCUMENT["components"]["securitySchemes"].items():
        yield scheme["type"], name, scheme


def references(value: Any) -> Iterator[str]:
    """Yield every `$ref` below the value."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def type_of(model: Any) -> str:
    """Return the `type` that the message has on the wire."""
    [name] = get_args(model.model_fields["type"].annotation)
    return str(name)


def test_the_objects_have_the_specifications_fields_only() -> None:
    assert re.fullmatch(r"3\.0\.\d+", DOCUMENT["asyncapi"])
    for kind, place, found in kinds():
        required, optional = FIELDS[kind]
        assert required <= found.keys() <= required | optional, f"{kind} {place}"


def test_the_specification_allows_all_names() -> None:
    for names in (DOCUMENT["servers"], DOCUMENT["channels"], OPERATIONS, MESSAGES, DOCUMENT["components"]["schemas"]):
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in names)


def test_every_reference_resolves() -> None:
    found = list(references(DOCUMENT))
    assert found
    for reference in found:
        assert isinstance(pointed(DOCUMENT, reference), dict), reference


def test_servers_describe_the_connection() -> None:
    for name, server in DOCUMENT["servers"].items():
        assert "://" not in server["host"], name
        assert "/" not in server["host"], name
        assert server["protocol"] in {"ws", "wss"}, name
        assert set(re.findall(r"\{(\w+)\}", server["host"])) == server["variables"].keys(), name
        proofs = [f"#/components/securitySchemes/{proof}" for proof in ("token", "ticket")]
        assert list(references(server["security"])) == proofs, name


def test_operations_refer_to_messages_of_their_channel() -> None:
    for name, operation in OPERATIONS.items():
        assert operation["action"] in {"send", "receive"}, name
        for part in (operation, operation.get("reply", operation)):
            channel = part["channel"]["$ref"]
            assert all(one["$ref"].startswith(f"{channel}/messages/") for one in part["messages"]), name


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_has_an_example_that_fits_its_schema(name: str) -> None:
    message = MESSAGES[name]
    assert message["summary"].endswith("."), "describe the message in the model's docstring"
    assert message["examples"], f"tools/asyncapi_document.py has no example of {name}"
    for example in message["examples"]:
        assert faults(example["payload"], message["payload"], DOCUMENT) == []


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_with_a_wrong_missing_or_extra_field_does_not_fit(name: str) -> None:
    """The schemas must not allow every message."""
    message = MESSAGES[name]
    payload = message["examples"][0]["payload"]
    required = pointed(DOCUMENT, message["payload"]["$ref"])["required"]
    assert set(payload) - {"previewUrl"} == set(required)
    for field in required:
        assert faults({key: value for key, value in payload.items() if key != field}, message["payload"], DOCUMENT)
        assert faults({**payload, field: ["odd"]}, message["payload"], DOCUMENT)
    assert faults({**payload, "odd": 1}, message["payload"], DOCUMENT)


def test_every_message_that_the_server_can_send_is_described() -> None:
    sent = {reference.rpartition("/")[2] for reference in references(OPERATIONS["events"]["messages"])}
    assert {model.__name__ for model in get_args(ServerMessage)} <= sent
    events = {model for model in View.__subclasses__() if "type" in model.model_fields and _is_event(model)}
    assert events == set(get_args(ServerMessage)), "an event is missing in ServerMessage"


def _is_event(model: type[View]) -> bool:
    return model.__module__.startswith(("functions.realtime", "shared.jobs.events"))


def test_every_message_that_a_client_can_send_has_a_route() -> None:
    routes = {route for route in SOCKET_ROUTES if not route.startswith("$")}
    received = {name for name, operation in OPERATIONS.items() if operation["action"] == "receive"}
    assert {type_of(model) for model in get_args(ClientMessage)} == routes == received


def test_message_types_match_the_contract() -> None:
    contract = {"job.progress", "job.completed", "job.failed", "step.completed"}
    assert contract <= {type_of(model) for model in get_args(ServerMessage)}


def test_the_event_check_refuses_an_undescribed_message() -> None:
    described = MESSAGES["JobFailed"]["examples"][0]["payload"]
    check_event(described)
    for wrong in ({**described, "type": "job.broken"}, {**described, "odd": 1}, {**described, "seq": "7"}):
        with pytest.raises(AssertionError, match="describes no message like"):
            check_event(wrong)
