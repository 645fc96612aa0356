"""The REST API: one Lambda function for each domain, and the authorizer for all routes that are not public."""

from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration, RemovalPolicy, SecretValue
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.access_log import REST, access_log, line
from infra.constructs.acknowledge import acknowledge
from infra.constructs.function import KinoraFunction
from infra.constructs.log_group import KinoraLogGroup
from infra.constructs.problems import add_problems
from infra.environments import Environment
from infra.functions import RestDomain

STAGE = "v1"
DISTRIBUTION_KEY = "distribution-key-1"  # another number makes another key at the next deployment
# Public methods and the divisor of their rate limit: a flood of them leaves the rest of the limit to other methods. All
# clients share the limit. The limits of one client are smaller (docs/adr/0032).
COSTLY = {
    "/api/auth/login/POST": 2,
    "/api/auth/register/POST": 2,
    "/api/auth/forgot-password/POST": 10,
    "/api/auth/reset-password/POST": 10,
    "/api/errors/POST": 10,
}
# Time for which API Gateway caches the authorizer's response: the maximum delay of a revoked key or a deleted user.
AUTHORIZED_FOR = Duration.minutes(5)


class KinoraRestApi(apigateway.RestApi):
    """The API. `/api/{domain}` and everything below it calls the domain's function.

    Every method needs `.distribution_key` in the header `x-api-key`. CloudFront adds it, so API Gateway refuses
    requests that bypass CloudFront and its firewall.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        environment: Environment,
        *,
        domains: Mapping[RestDomain, KinoraFunction],
        authorizer: KinoraFunction,
        key_arn: str,
    ) -> None:
        log = access_log(scope, environment, "rest")
        super().__init__(
            scope,
            id,
            rest_api_name=f"{environment.prefix}-rest",
            description="Kinora's REST API",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            default_method_options=apigateway.MethodOptions(api_key_required=environment.distribution_only),
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN,  # an account has only one; other stacks may need it
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                access_log_destination=apigateway.LogGroupLogDestination(log),
                access_log_format=apigateway.AccessLogFormat.custom(line(REST)),
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,  # it would log request bodies with passwords
                metrics_enabled=False,  # of single methods; those of the whole API are free
                tracing_enabled=True,
                throttling_rate_limit=environment.throttle_rate,
                throttling_burst_limit=environment.throttle_burst,
                method_options=_costly(environment),
            ),
        )
        # API Gateway would create this group at the first error, without a retention.
        executions = KinoraLogGroup(
            self,
            "executions",
            environment=environment,
            log_group_name=f"API-Gateway-Execution-Logs_{self.rest_api_id}/{STAGE}",
        )
        self.deployment_stage.node.add_dependency(executions)
        self._authorizer = apigateway.RequestAuthorizer(
            self,
            "authorizer",
            authorizer_name=f"{environment.prefix}-rest",
            handler=authorizer.live,
            # Only the header: all sources are part of the cache key, and API Gateway refuses a request without one.
            identity_sources=[apigateway.IdentitySource.header("Authorization")],
            results_cache_ttl=AUTHORIZED_FOR,
        )
        root = self.root.add_resource("api")
        for domain, function in domains.items():
            self._add_domain(root, domain, function.live)
        add_problems(self)
        self.distribution_key = self._add_distribution_key(environment, key_arn)
        self._acknowledge()

    def _add_domain(self, root: apigateway.Resource, domain: RestDomain, function: lambda_.IFunction) -> None:
        integration = apigateway.LambdaIntegration(function, scope_permission_to_method=False)
        resource = root.add_resource(domain.name)
        # A resource has one parameter: a public route's own, with all other paths below it, or `{proxy+}`.
        parameters = {part for route in domain.public for part in route.split("/")[3:4] if part.startswith("{")}
        below = [resource.add_resource(part) for part in sorted({*parameters, *domain.beside})] or [resource]
        # By path, because CDK returns a resource that it finds as another object.
        guarded = {one.path: one for one in (resource, *below, *(one.add_resource("{proxy+}") for one in below))}
        for route in sorted(domain.public):
            method, _, path = route.partition(" ")
            # A separate resource takes precedence over `{proxy+}`, so its other methods need the authorizer too.
            open_resource = resource
            for part in path.removeprefix(f"/api/{domain.name}").split("/")[1:]:
                known = open_resource.get_resource(part)
                open_resource = cast(apigateway.Resource, known) if known else open_resource.add_resource(part)
            public = open_resource.add_method(method, integration, authorization_type=apigateway.AuthorizationType.NONE)
            acknowledge(
                public, "Public: the caller has no token yet, proves its identity with a cookie, or reports an error.",
                "AwsSolutions-APIG4", "AwsSolutions-COG4",
            )  # fmt: skip
            guarded.setdefault(open_resource.path, open_resource)
        for one in guarded.values():
            method_any = one.add_method(
                "ANY", integration, authorizer=self._authorizer, authorization_type=apigateway.AuthorizationType.CUSTOM
            )
            acknowledge(method_any, "Our own authorizer checks our own tokens instead of Cognito.", "AwsSolutions-COG4")

    def _add_distribution_key(self, environment: Environment, key_arn: str) -> str:
        """Return the key, as a reference that CloudFormation resolves. Nobody reads the secret at run time."""
        secret = secretsmanager.CfnSecret(
            self,
            DISTRIBUTION_KEY,
            name=environment.secret_prefix + DISTRIBUTION_KEY,
            kms_key_id=key_arn,
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                password_length=64, exclude_punctuation=True
            ),
        )
        secret.apply_removal_policy(environment.removal_policy)
        reason = "A new value needs a deployment: docs/how-to/replace-a-leaked-key.md."
        acknowledge(secret, reason, "AwsSolutions-SMG4")
        value = SecretValue.secrets_manager(secret.ref).unsafe_unwrap()
        plan = self.add_usage_plan(
            "plan",
            name=f"{environment.prefix}-distribution",
            description="The requests of the distribution, without limits of its own",
            api_stages=[apigateway.UsagePlanPerApiStage(api=self, stage=self.deployment_stage)],
        )
        plan.add_api_key(self.add_api_key(f"{DISTRIBUTION_KEY}-value", value=value))
        return value

    def _acknowledge(self) -> None:
        acknowledge(
            self, "FastAPI validates every body and parameter and reports what is invalid.", "AwsSolutions-APIG2"
        )
        acknowledge(
            self,
            "AWS's own policy for the role with which API Gateway writes the logs of the account.",
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
            "AmazonAPIGatewayPushToCloudWatchLogs]",
        )


def _costly(environment: Environment) -> dict[str, apigateway.MethodDeploymentOptions]:
    """Return the settings of the costly methods. They replace those of the stage, so all of them are set again."""
    return {
        route: apigateway.MethodDeploymentOptions(
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,
            metrics_enabled=False,
            throttling_rate_limit=environment.throttle_rate / divisor,
            throttling_burst_limit=environment.throttle_burst // divisor,
        )
        for route, divisor in COSTLY.items()
    }
