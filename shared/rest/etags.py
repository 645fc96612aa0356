"""The headers ETag, If-Match and If-None-Match.

Each PATCH takes a `Change`, and passes `change.expected` to the store that writes. The PATCH and the GET of the same
resource send the ETag of the version that they show: `return tag.on(record.etag, view)`.
"""

from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request, Response, status
from pydantic import BaseModel

from shared.core.versions import IfMatch, etag

V = TypeVar("V", bound=BaseModel)


class ResponseTag:
    """The ETag of the response."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def on(self, tag: str, view: V) -> V:
        self._response.headers["ETag"] = tag
        return view


class ExpectedVersion(ResponseTag):
    """The version that the request expects, and the ETag of the response."""

    def __init__(self, response: Response, if_match: str | None) -> None:
        super().__init__(response)
        self.expected = IfMatch.parsed(if_match)


async def _tag(response: Response) -> ResponseTag:
    return ResponseTag(response)


async def _expected(
    response: Response,
    if_match: Annotated[
        str | None, Header(max_length=1000, description="The ETag of the version to change. Another one gets 412.")
    ] = None,
) -> ExpectedVersion:
    return ExpectedVersion(response, if_match)


Tag = Annotated[ResponseTag, Depends(_tag)]
Change = Annotated[ExpectedVersion, Depends(_expected)]


def cacheable(request: Request, view: BaseModel, *, seconds: int, tag: str | None = None) -> Response:
    """Return a response that anybody may cache for `seconds`; 304 if the caller has the same one.

    `tag` is the ETag of a resource that has a PATCH.
    """
    body = view.model_dump_json(by_alias=True)
    tag = tag or etag(body)
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={seconds}"}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if {tag, "*"} & known:  # CloudFront sends a weak ETag for a body that it has compressed
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
