"""The FastAPI app of a domain: errors are problem+json with the request's id, and there are no documentation pages."""

from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared.core.errors import AppError
from shared.observability import logger
from shared.rest.problem import problem
from shared.rest.quota import QuotaHeaders


def create_app(domain: str, router: APIRouter) -> FastAPI:
    app = FastAPI(
        title=f"Kinora {domain}",
        routes=router.routes,  # `include_router` would build each route a second time
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.routes = router.routes
    app.add_middleware(QuotaHeaders)
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected_error)
    return app


async def _app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)  # noqa: S101  # registered for this class; for the type checker
    return problem(request, error.status, error.code, error.detail, **error.facts)


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as above
    if error.errors()[0]["type"] == "json_invalid":
        return _broken_json(request, error)
    # `input` and `ctx` are omitted: they can contain passwords, or NaN, which is not JSON. The limits bound the size.
    fields = [
        {"field": ".".join(map(str, e["loc"][1:]))[:100], "detail": e["msg"].removeprefix("Value error, ")}
        for e in error.errors()[:20]
    ]
    sentence = "; ".join(f"{f['field']}: {f['detail']}" if f["field"] else f["detail"] for f in fields[:5])
    return problem(request, 422, "invalid", sentence, errors=fields)


def _broken_json(request: Request, error: RequestValidationError) -> Response:
    """Return the response for a body that is not JSON. FastAPI's error has the body and the index of the fault."""
    [found] = error.errors()
    before = str(error.body)[: found["loc"][1]]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    detail = f"The body is not JSON: {found['ctx']['error']} (line {line}, column {column})."
    return problem(request, 400, "invalid_json", detail)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as above
    phrase = HTTPStatus(error.status_code).phrase
    headers = {"Allow": _allowed(request)} if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
    return problem(request, error.status_code, phrase.lower().replace(" ", "_"), f"{phrase}.", headers=headers)


def _allowed(request: Request) -> str:
    """Return the methods of all routes with the request's path. Starlette names those of one route only."""
    routes = [route for route in request.app.state.routes if route.matches(request.scope)[0] is not Match.NONE]
    path = min((route.path for route in routes), key=lambda one: one.count("{"))  # a literal path is more specific
    return ", ".join(sorted(method for route in routes if route.path == path for method in route.methods))


async def _unexpected_error(request: Request, error: Exception) -> Response:
    logger.exception("request failed", exc_info=error)
    return problem(request, 500, "internal", "Something went wrong on our side; the request id helps us find it.")
