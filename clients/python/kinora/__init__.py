"""The Python client of Kinora: `Kinora().films.create("a lighthouse at dusk").save("out.mp4")`."""

from . import errors, models, webhooks
from .async_client import AsyncKinora
from .async_films import AsyncFilm
from .client import Kinora
from .codes import *  # noqa: F403  # the errors by their codes
from .errors import *  # noqa: F403  # the other errors
from .films import Film
from .settings import __version__

__all__ = ["AsyncFilm", "AsyncKinora", "Film", "Kinora", "__version__", "errors", "models", "webhooks"]
