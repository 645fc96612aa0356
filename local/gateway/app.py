"""The gateway: the laptop's API Gateway, CloudFront, S3 upload endpoint and event sources of functions."""

import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

from aiohttp import web
from aiohttp.web_fileresponse import CONTENT_TYPES

from infra import edge
from infra.functions import ON_LAPTOP, PROVIDER_WEBHOOK
from local.environment import PREFIX, ROOT
from local.gateway.docs import add_docs
from local.gateway.functions import FunctionFailed, Functions
from local.gateway.media import MediaServer
from local.gateway.problem import problem
from local.gateway.rest import BODY_LIMIT_BYTES, RestApi
from local.gateway.site import EXPORT, Site
from local.gateway.sockets import SocketGateway
from local.gateway.stripe import StripeGateway
from local.gateway.uploads import UploadServer
from local.pages import is_own_name, sent_by_page

ENTRIES: dict[str, str] = {function.name: function.handler for function in ON_LAPTOP}


def create_gateway(
    functions: Functions,
    media_url: str,
    media_private_pem: str,
    *,
    stripe: StripeGateway | None = None,
    pages: Path = EXPORT,
) -> web.Application:
    """Return the gateway as one application. `functions` must be loaded. `pages` is the folder of the studio."""
    application = web.Application(client_max_size=BODY_LIMIT_BYTES, middlewares=[_problems, _for_own_names])
    application.on_response_prepare.append(_add_edge_headers)
    rest, sockets = RestApi(functions), SocketGateway(functions)
    media, uploads = MediaServer(media_url, media_private_pem), UploadServer()

    async def invoke(request: web.Request) -> web.Response:
        return await _invoke(functions, request)

    async def call_url(request: web.Request) -> web.Response:
        return await _call_url(functions, request)

    async def close_sockets(_: web.Application) -> None:
        await sockets.close()

    router = application.router
    router.add_route("*", "/api/{domain}", rest.handle)
    router.add_route("*", "/api/{domain}/{rest:.*}", rest.handle)
    router.add_get("/ws", sockets.handle)
    router.add_route("*", "/socket/@connections/{id}", sockets.manage)
    router.add_get("/media/{key:.+}", media.handle)
    router.add_post("/s3/{bucket}", uploads.handle)
    router.add_post("/functions/{name}/invocations", invoke)
    router.add_post("/provider-webhooks/{path:.+}", call_url)
    CONTENT_TYPES.add_type("image/webp", ".webp")  # Python knows this type from 3.13 on
    router.add_static("/presets", ROOT / "docs" / "gallery" / "presets")
    add_docs(application)
    if stripe is not None:
        stripe.add_to(application)
    Site(pages).add_to(application)
    application.on_startup.append(media.open)
    application.on_shutdown.append(close_sockets)
    application.on_cleanup.append(media.close)
    return application


async def _invoke(functions: Functions, request: web.Request) -> web.Response:
    """Serve the part of Lambda's Invoke API that moto and the tests need."""
    if sent_by_page(request.headers):
        return problem(403, "forbidden", "Functions are not called from web pages.")
    name = request.match_info["name"].removeprefix(f"{PREFIX}-")
    if name not in functions:
        return problem(404, "function_not_found", f"There is no function called {name}.")
    try:
        answer = await functions.call_async(name, json.loads(await request.read() or b"{}"))
    except FunctionFailed as error:
        return web.json_response(error.answer, headers={"x-amz-function-error": "Unhandled"})
    except TimeoutError:
        late = {"errorType": "Sandbox.Timedout", "errorMessage": f"{name} timed out"}
        return web.json_response(late, headers={"x-amz-function-error": "Unhandled"})
    return web.json_response(answer)


async def _call_url(functions: Functions, request: web.Request) -> web.Response:
    """Serve the URL of `provider-webhook`, with the event that Lambda makes of a request to a function's URL."""
    event = {
        "rawPath": f"/{request.match_info['path']}",
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "body": b64encode(await request.read()).decode(),
        "isBase64Encoded": True,
    }
    try:
        answer = await functions.call_async(PROVIDER_WEBHOOK.name, event)
    except (FunctionFailed, TimeoutError):
        return web.Response(status=HTTPStatus.BAD_GATEWAY)
    return web.Response(status=answer["statusCode"])


async def _add_edge_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that CloudFront adds."""
    part = request.path.split("/")[1]
    if part in edge.POLICIES:
        response.headers.update(edge.headers(part))


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _for_own_names(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not is_own_name(request.host):
        return problem(403, "forbidden", "This computer is not called by that name.")
    return await handler(request)


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Render aiohttp's own errors as problem+json."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return problem(404, "not_found", "There is nothing at this address.")
    except web.HTTPMethodNotAllowed as error:
        return problem(405, "method_not_allowed", f"This address takes {', '.join(sorted(error.allowed_methods))}.")
    except web.HTTPClientError as error:
        return problem(error.status, "bad_request", HTTPStatus(error.status).phrase)
