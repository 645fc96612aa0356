"""Access logs: one line of JSON for each request, with its id, without client addresses or request bodies."""

import json

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.log_group import KinoraLogGroup
from infra.environments import Environment

REST = {
    "requestId": "$context.requestId",
    "traceId": "$context.xrayTraceId",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "errorType": "$context.error.responseType",
    "integrationStatus": "$context.integration.status",
    "latencyMs": "$context.responseLatency",
    "integrationLatencyMs": "$context.integration.latency",
    "userId": "$context.authorizer.userId",
    "bytes": "$context.responseLength",
}
SOCKET = {
    "requestId": "$context.requestId",
    "connectionId": "$context.connectionId",
    "event": "$context.eventType",
    "route": "$context.routeKey",
    "status": "$context.status",
    "integrationStatus": "$context.integration.status",
    "integrationLatencyMs": "$context.integrationLatency",
    "userId": "$context.authorizer.userId",
}


def access_log(scope: Construct, environment: Environment, name: str) -> logs.LogGroup:
    """Make the log group `/kinora/{environment}/{name}`."""
    return KinoraLogGroup(
        scope, f"{name}-log", environment=environment, log_group_name=f"/kinora/{environment.name}/{name}"
    )


def line(fields: dict[str, str]) -> str:
    return json.dumps(fields)
