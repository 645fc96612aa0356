"""The deployment role. The repository's GitHub workflow assumes it with OIDC, so no long-lived key exists."""

from aws_cdk import ArnFormat, CfnOutput, DefaultStackSynthesizer, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.acknowledge import acknowledge_wildcards
from infra.constructs.front_door import site_bucket_name
from infra.environments import Environment
from infra.releases import STACKS, parameter_name
from infra.repository import repository

ISSUER = "token.actions.githubusercontent.com"
# Roles that `cdk bootstrap` creates, one for each part of a deployment. CloudFormation's own role is not among them:
# the `deploy` role passes it to CloudFormation, and only CloudFormation can assume it.
PARTS = ("deploy", "file-publishing", "image-publishing", "lookup")


class DeliveryStack(Stack):
    """The stack. `.github/workflows/deploy.yml` assumes `.role`; its ARN is the stack's output.

    An account can have only one OIDC provider for GitHub. If environments share an account, the first one creates it;
    deploy the others with `-c oidc_provider=<arn>`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
    ) -> None:
        super().__init__(scope, id, env=environment.cdk_environment)
        of_environment = f"repo:{repository(self)}:environment:{environment.name}"
        self.role = iam.Role(
            self,
            "role",
            role_name=f"{environment.prefix}-delivery",
            description=f"Deploys {environment.prefix} from GitHub",
            max_session_duration=Duration.hours(1),
            assumed_by=iam.WebIdentityPrincipal(
                self._provider_arn(),
                # GitHub's environment defines reviewers, branches and waiting times.
                {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": of_environment}},
            ),
        )
        qualifier = DefaultStackSynthesizer.DEFAULT_QUALIFIER
        roles = [
            f"arn:{self.partition}:iam::{self.account}:role/cdk-{qualifier}-{part}-role-{self.account}-{self.region}"
            for part in PARTS
        ]
        self.role.add_to_policy(iam.PolicyStatement(actions=["sts:AssumeRole"], resources=roles))
        pictures = f"arn:{self.partition}:s3:::{site_bucket_name(environment, self.account)}/presets/*"
        self.role.add_to_policy(iam.PolicyStatement(actions=["s3:PutObject"], resources=[pictures]))
        acknowledge_wildcards(
            self.role, "The pictures of all presets, which `make deploy` copies to the site.", pictures
        )
        self._record_releases(environment)
        CfnOutput(self, "RoleArn", value=self.role.role_arn, description="The variable DEPLOY_ROLE_ARN on GitHub")

    def _record_releases(self, environment: Environment) -> None:
        """Allow `python -m infra.releases`, the last step of `make deploy`."""
        parameter = self.format_arn(
            service="ssm", resource="parameter", resource_name=parameter_name(environment).removeprefix("/")
        )
        stacks = [
            self.format_arn(service="cloudformation", resource="stack", resource_name=f"{environment.prefix}-{stack}/*")
            for stack in STACKS
        ]
        functions = self.format_arn(
            service="lambda", resource="function", resource_name=f"{environment.prefix}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )  # fmt: skip
        for actions, resources in (
            (["ssm:GetParameter", "ssm:PutParameter"], [parameter]),
            (["cloudformation:GetTemplate", "cloudformation:ListStackResources"], stacks),
            (["lambda:ListVersionsByFunction", "lambda:DeleteFunction"], [functions]),
        ):
            self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        acknowledge_wildcards(self.role, "CloudFormation adds an id to the name of a stack.", *stacks)
        acknowledge_wildcards(self.role, "All functions of the environment, of which it deletes versions.", functions)

    def _provider_arn(self) -> str:
        known = self.node.try_get_context("oidc_provider")
        if known:
            return str(known)
        provider = iam.OidcProviderNative(self, "github", url=f"https://{ISSUER}", client_ids=["sts.amazonaws.com"])
        return provider.oidc_provider_arn
