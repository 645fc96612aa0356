"""The built-in camera presets, read from moves.toml."""

import tomllib
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import TypeAdapter

from shared.camera.move import CameraMove
from shared.core.wire import Wire

Category = Literal["dolly", "zoom", "crane-and-tilt", "orbit", "rig", "stylised", "time"]


class DefaultMove(Wire):
    """A built-in preset. `description` is the sentence that clients show."""

    id: str
    name: str
    description: str
    category: Category
    move: CameraMove


@cache
def default_moves() -> MappingProxyType[str, DefaultMove]:
    """Return every preset by its id, in display order."""
    described = {"name", "description", "category"}
    tables = tomllib.loads(Path(__file__).with_name("moves.toml").read_text())
    entries = [
        {
            "id": key,
            **{field: table[field] for field in described},
            "move": {field: value for field, value in table.items() if field not in described},
        }
        for key, table in tables.items()
    ]
    return MappingProxyType({entry.id: entry for entry in TypeAdapter(list[DefaultMove]).validate_python(entries)})


def nearest(misspelt: str) -> list[str]:
    """Return at most three ids that are similar to `misspelt`, the most similar first."""
    wanted = misspelt.strip().lower().replace("_", "-").replace(" ", "-")
    return get_close_matches(wanted, default_moves(), n=3, cutoff=0.5)
