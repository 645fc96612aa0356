"""Parameters of which `make test` takes a few."""

from collections.abc import Iterable
from typing import Any

import pytest


def few_quick(values: Iterable[Any], quick: int) -> list[Any]:
    """Return the values as parameters: `make test` takes the first `quick` of them, and `make slow` the others."""
    parameters = [value if isinstance(value, tuple) else (value,) for value in values]
    return [
        pytest.param(*one, marks=() if number < quick else pytest.mark.slow) for number, one in enumerate(parameters)
    ]
