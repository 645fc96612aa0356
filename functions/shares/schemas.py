"""The bodies of `/api/shares`."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from shared.core.wire import Id, Name, View, Wire


class ShareCreate(Wire):
    """A public link to a job's film. Visitors see the title."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"jobId": "job_01K0M3T5V7X9Z1B3D5F7H9K1M3", "title": "Harbour at night"}]}
    )

    job_id: Id
    title: Annotated[Name, Field(min_length=1, max_length=120)]


class ShareView(View):
    share_id: str = Field(serialization_alias="id", description="The secret part of the link.")
    job_id: str
    title: str
    taken_down: bool | None = Field(description="Whether an admin of the studio has closed the link.")
    created_at: datetime


class SharedFilmView(View):
    """The film that a visitor of a link sees. The URLs are valid for an hour."""

    title: str
    video_url: str | None
    poster_url: str | None
    thumbnail_url: str | None
    created_at: datetime
