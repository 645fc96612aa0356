"""The encoding of Stripe's requests: `items[0][price]=price_1` is `{"items": [{"price": "price_1"}]}`."""

import re
from typing import Any
from urllib.parse import parse_qsl


def decoded(text: str) -> dict[str, Any]:
    """Return the fields of a form or a query. All values are texts."""
    fields: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        *outer, last = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        at = fields
        for part in outer:
            at = at.setdefault(part, {})
        at[last or str(len(at))] = value  # `expand[]` is the next element
    return {name: _with_lists(value) for name, value in fields.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(one) for name, one in value.items()}
    return list(inner.values()) if inner and all(name.isdigit() for name in inner) else inner
