"""`/api/errors`: the studio reports the errors of its own code. No field has room for the words of a creator."""

from typing import Annotated

from fastapi import APIRouter, status
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from shared.core.wire import Integer, Wire
from shared.observability import Raised, StackFrame, logger, report
from shared.quotas.classes import RouteClass
from shared.rest.inline import Inline
from shared.rest.quota import counted

router = APIRouter(prefix="/api/errors", tags=["errors"], route_class=Inline)

EXAMPLE: JsonDict = {
    "name": "TypeError",
    "page": "/jobs",
    "frames": [{"file": "/_next/static/app.js", "function": "draw", "line": 7}],
}
NAME = r"^[A-Za-z_$][\w$]{0,59}$"


class BrowserFrame(Wire):
    file: str = Field(
        pattern=r"^/[\w./-]{1,120}\.m?js$",
        examples=["/_next/static/app.js"],
        description="Path of a script on the studio's origin",
    )
    function: str = Field(default="?", pattern=r"^(\?|[\w$.<> ]{1,80})$")
    line: Integer = Field(ge=0, le=10**7)


class BrowserError(Wire):
    """An error without its message, because a message can quote a creator."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: str = Field(pattern=NAME, description="The error's class", examples=["TypeError"])
    page: str = Field(pattern=r"^/[\w/-]{0,120}$", description="Path of the page without its query", examples=["/jobs"])
    frames: Annotated[list[BrowserFrame], Field(max_length=50, description="The stack, with the innermost call last")]


@router.post(
    "",
    operation_id="reportError",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[counted(RouteClass.REPORT)],
)
def report_error(error: BrowserError) -> None:
    """Report an error of the studio's code in a browser."""
    logger.warning("browser error", error_name=error.name, page=error.page)
    frames = tuple(StackFrame(frame.file, frame.function, frame.line) for frame in error.frames)
    report("browser error", Raised(error.name, frames), page=error.page)
