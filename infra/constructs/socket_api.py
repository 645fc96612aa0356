"""The WebSocket API: a Lambda function for each route, and the authorizer at `$connect`."""

from collections.abc import Mapping
from typing import cast

from aws_cdk import Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from infra.constructs.access_log import SOCKET, access_log, line
from infra.constructs.acknowledge import acknowledge, acknowledge_wildcards
from infra.constructs.function import KinoraFunction
from infra.constructs.hosted_domain import hosted_domain
from infra.environments import Environment

STAGE = "v1"


class SocketApi(apigatewayv2.WebSocketApi):
    """The API. Messages name their route in `type`. Clients connect to `.url`, below the domain or with AWS's name."""

    def __init__(self, scope: Construct, id: str, environment: Environment) -> None:  # noqa: A002  # CDK's own name
        super().__init__(
            scope,
            id,
            api_name=f"{environment.prefix}-socket",
            description="Kinora's events",
            route_selection_expression="$request.body.type",
        )
        log = access_log(scope, environment, "socket")
        self.stage = apigatewayv2.WebSocketStage(
            self,
            "stage",
            web_socket_api=self,
            stage_name=STAGE,
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(
                rate_limit=environment.throttle_rate, burst_limit=environment.throttle_burst
            ),
        )
        stage = cast(apigatewayv2.CfnStage, self.stage.node.default_child)
        stage.access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=log.log_group_arn, format=line(SOCKET)
        )
        self.url = self._named(environment) or self.stage.url

    def _named(self, environment: Environment) -> str | None:
        """Create the name `socket.` below the environment's domain and return its URL. Return None without a domain."""
        domain = hosted_domain(self, environment, below="socket")
        if domain is None:
            return None
        name = apigatewayv2.DomainName(self, "name", domain_name=domain.name, certificate=domain.certificate)
        apigatewayv2.ApiMapping(self, "mapping", api=self, domain_name=name, stage=self.stage)
        domain.point_to(targets.ApiGatewayv2DomainProperties(name.regional_domain_name, name.regional_hosted_zone_id))
        return f"wss://{domain.name}"

    def add_routes(self, routes: Mapping[str, KinoraFunction], *, authorizer: KinoraFunction) -> None:
        # Without an identity source, because API Gateway refuses a request that lacks one of them: programs send the
        # header, browsers a ticket in the query. An update would keep the old source, so the name is a new one.
        guard = authorizers.WebSocketLambdaAuthorizer("guard", authorizer.live, identity_source=[])
        for key, function in routes.items():
            name = key.removeprefix("$")
            route = self.add_route(
                key,
                integration=integrations.WebSocketLambdaIntegration(name, function.live),
                authorizer=guard if key == "$connect" else None,
            )
            if key != "$connect":
                acknowledge(route, "Authorized at $connect and again at every subscription.", "AwsSolutions-APIG4")

    def grant_send(self, function: KinoraFunction) -> None:
        """Allow the function to send to all connections and to close them: ids are unknown before clients connect."""
        stack = Stack.of(self)
        api = f"arn:{stack.partition}:execute-api:{stack.region}:{stack.account}:{self.api_id}/{STAGE}"
        connections = [f"{api}/{method}/@connections/*" for method in ("POST", "DELETE")]
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["execute-api:ManageConnections"], resources=connections)
        )
        reason = "Clients create connections, so their ids are unknown."
        acknowledge_wildcards(function.own_role, reason, *connections)
