"""A small evaluator of IAM's identity policies, for the elements that our own policies and AWS's examples use.

`tests/contract/test_policy_evaluator.py` checks it against examples of AWS's documentation. It raises
NotImplementedError for an element that it does not know.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any

Statement = Mapping[str, Any]
Keys = Mapping[str, Any]  # the request's context: a value, or a list for a key with several values
_ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition"}


def allows(statements: Sequence[Statement], action: str, resource: str, keys: Keys | None = None) -> bool:
    """Return whether a statement allows the request and none denies it."""
    context = {name.lower(): value for name, value in (keys or {}).items()}
    effects = {each["Effect"] for each in statements if _applies(each, action, resource, context)}
    return effects == {"Allow"}


def _applies(statement: Statement, action: str, resource: str, keys: Keys) -> bool:
    if unknown := set(statement) - _ELEMENTS:
        raise NotImplementedError(f"unknown elements: {sorted(unknown)}")
    return (
        any(_like(action.lower(), form.lower()) for form in _many(statement["Action"]))
        and any(_like(resource, _filled(form, keys)) for form in _many(statement["Resource"]))
        and all(
            _is_met(operator, key, _many(expected), keys)
            for operator, wanted in statement.get("Condition", {}).items()
            for key, expected in wanted.items()
        )
    )


def _is_met(operator: str, key: str, expected: Sequence[Any], keys: Keys) -> bool:
    quantifier, _, name = operator.rpartition(":")
    given = keys.get(key.lower())
    if name == "Null":
        return (given is None) == (str(expected[0]).lower() == "true")
    if_exists, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    wanted = [_filled(str(each), keys) for each in expected]
    values = [str(value) for value in _many(given)] if given is not None else []
    matches = [_compares(name, value, wanted) for value in values]
    if quantifier == "ForAllValues":  # true without values
        return all(matches)
    if not values:
        return if_exists or (not quantifier and "Not" in name)
    if quantifier == "ForAnyValue":
        return any(matches)
    return matches[0]


def _compares(name: str, value: str, wanted: Sequence[str]) -> bool:
    if name not in _COMPARED:
        raise NotImplementedError(f"unknown operator: {name}")
    positive = name.replace("Not", "")
    return any(_COMPARED[positive](value, each) for each in wanted) == (name == positive)


def _like(text: str, form: str) -> bool:
    pattern = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in form)
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def _filled(form: str, keys: Keys) -> str:
    """Replace policy variables such as `${aws:username}` by the request's values."""
    return re.sub(r"\$\{([^}]+)\}", lambda found: str(keys.get(found[1].lower(), found[0])), form)


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]


_COMPARED: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": _like,
    "ArnLike": _like,
    "ArnEquals": _like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "DateGreaterThan": lambda value, wanted: datetime.fromisoformat(value) > datetime.fromisoformat(wanted),
    "DateLessThan": lambda value, wanted: datetime.fromisoformat(value) < datetime.fromisoformat(wanted),
    "IpAddress": lambda value, wanted: ip_address(value) in ip_network(wanted),
}
_COMPARED |= {
    "StringNotEquals": _COMPARED["StringEquals"],
    "StringNotLike": _like,
    "NotIpAddress": _COMPARED["IpAddress"],
}
