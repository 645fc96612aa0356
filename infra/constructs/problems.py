"""The error responses of API Gateway itself, as problem+json like the functions' errors."""

import json
from dataclasses import dataclass
from http import HTTPStatus

from aws_cdk import aws_apigateway as apigateway

from shared.core.errors import ADVICE


@dataclass(frozen=True, slots=True)
class GatewayProblem:
    """One error response of API Gateway. `type` is its name there."""

    type: str
    status: int
    code: str
    detail: str


# Each one is a resource, and a stack may have 500. The defaults cover the types that are absent. API Gateway sends some
# types only for signed requests, quotas of keys and mapping templates, which this API does not have.
PROBLEMS: tuple[GatewayProblem, ...] = (
    GatewayProblem("UNAUTHORIZED", 401, "unauthorized", "Sign in first: this needs a valid access token."),
    GatewayProblem("ACCESS_DENIED", 403, "forbidden", "You may not do this."),
    GatewayProblem("INVALID_API_KEY", 403, "forbidden", "You may not do this."),
    GatewayProblem("WAF_FILTERED", 403, "forbidden", "The firewall refused this request."),
    # API Gateway uses this type for an address without a method.
    GatewayProblem("MISSING_AUTHENTICATION_TOKEN", 404, "not_found", "There is nothing at this address."),
    GatewayProblem("RESOURCE_NOT_FOUND", 404, "not_found", "There is nothing at this address."),
    GatewayProblem("REQUEST_TOO_LARGE", 413, "payload_too_large", "A request may hold at most 10 MB."),
    GatewayProblem("THROTTLED", 429, "too_many_requests", "Too many requests at once; try again in a second."),
    GatewayProblem("INTEGRATION_FAILURE", 502, "internal", "Something went wrong on our side."),
    GatewayProblem("INTEGRATION_TIMEOUT", 504, "timeout", "This took too long."),
    GatewayProblem("DEFAULT_4XX", 400, "bad_request", "This request cannot be read."),
    GatewayProblem("DEFAULT_5XX", 500, "internal", "Something went wrong on our side."),
)


def add_problems(api: apigateway.RestApi) -> None:
    """Replace the bodies of all error responses of API Gateway."""
    for problem in PROBLEMS:
        body = {
            "type": "about:blank",
            "title": HTTPStatus(problem.status).phrase,
            "status": problem.status,
            "code": problem.code,
            "detail": problem.detail,
            "requestId": "$context.requestId",
        }
        headers = {
            "Content-Type": "'application/problem+json'",
            "X-Request-Id": "context.requestId",
            "Cache-Control": "'no-store'",
        }
        headers |= {name: f"'{value}'" for name, value in ADVICE.get(problem.status, {}).items()}
        api.add_gateway_response(
            f"problem-{problem.type}",
            type=apigateway.ResponseType.of(problem.type),
            status_code=str(problem.status),
            response_headers=headers,
            templates={"application/json": json.dumps(body)},
        )
