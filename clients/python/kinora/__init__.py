"""The Python client of Kinora: `Kinora().films.create("a lighthouse at dusk").save("out.mp4")`."""

from importlib import import_module
from typing import TYPE_CHECKING

from . import errors, models
from .client import Kinora
from .codes import *  # noqa: F403  # the errors by their codes
from .errors import *  # noqa: F403  # the other errors
from .films import Film
from .settings import __version__

if TYPE_CHECKING:
    from . import webhooks
    from .async_client import AsyncKinora
    from .async_films import AsyncFilm

__all__ = ["AsyncFilm", "AsyncKinora", "Film", "Kinora", "__version__", "errors", "models", "webhooks"]

_LATER = {"AsyncKinora": "async_client", "AsyncFilm": "async_films"}  # loaded at their first use


def __getattr__(name: str) -> object:
    if name in _LATER:
        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    if name == "webhooks":
        return import_module(".webhooks", __name__)
    raise AttributeError(f"The package {__name__} has no attribute {name}.")
