"""The probe from outside: health checks of Route 53, whose checkers are in other regions and outside the account."""

from dataclasses import dataclass

from aws_cdk import Duration, Tags
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_route53 as route53
from constructs import Construct

from infra.environments import Environment
from shared.presets.presets import presets

REGIONS = ("us-east-1", "us-west-2", "eu-west-1")  # of the checkers; three is Route 53's minimum
EVERY = Duration.seconds(30)  # interval of each checker
FAILURES = 3  # failed requests in a row that make a checker report a failure


@dataclass(frozen=True, slots=True)
class ProbedPath:
    """A path of the studio. A good answer has a status below 400, and contains the text."""

    path: str
    text: str = ""


PROBED = {
    "api": ProbedPath("/api/health", '"status":"ok"'),  # CloudFront, API Gateway, a function, a table and its key
    "site": ProbedPath(next(iter(presets().values())).thumbnail),  # CloudFront and the site's bucket
}


class Probe(Construct):
    """A health check for each of `PROBED`. `.failures` has the metric of each: 1 while the studio does not answer."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        host: str,
    ) -> None:
        super().__init__(scope, id)
        self.failures = {name: self._check(name, probed, environment, host) for name, probed in PROBED.items()}

    def _check(self, name: str, probed: ProbedPath, environment: Environment, host: str) -> cloudwatch.MathExpression:
        kind = route53.HealthCheckType
        check = route53.HealthCheck(
            self,
            name,
            type=kind.HTTPS_STR_MATCH if probed.text else kind.HTTPS,
            fqdn=host,
            resource_path=probed.path,
            search_string=probed.text or None,
            regions=[*REGIONS],
            request_interval=EVERY,
            failure_threshold=FAILURES,
        )
        Tags.of(check).add("Name", f"{environment.prefix}-{name}")  # the console shows this tag as the name
        healthy = cloudwatch.Metric(
            namespace="AWS/Route53",
            metric_name="HealthCheckStatus",
            dimensions_map={"HealthCheckId": check.health_check_id},
            statistic="Minimum",
        )
        return cloudwatch.MathExpression(
            expression=f"1 - {name}", using_metrics={name: healthy}, label=name, period=Duration.minutes(1)
        )
