"""The bodies of `/api/shares`."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from shared.core.config import Config
from shared.core.wire import Id, Name, View, Wire
from shared.shares.record import ShareRecord


class SharePages(Config):
    web_origin: str = ""


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
    url: str = Field(description="The page that shows the film to everybody who has the link.")
    taken_down: bool | None = Field(description="Whether an admin of the studio has closed the link.")
    created_at: datetime

    @classmethod
    def of(cls, share: ShareRecord) -> "ShareView":
        return cls(
            share_id=share.share_id,
            job_id=share.job_id,
            title=share.title,
            url=f"{SharePages().web_origin}/share?id={share.share_id}",
            taken_down=share.taken_down,
            created_at=share.created_at,
        )


class SharedFilmView(View):
    """The film that a visitor of a link sees. The URLs are valid for an hour."""

    title: str
    video_url: str | None
    poster_url: str | None
    thumbnail_url: str | None
    created_at: datetime
