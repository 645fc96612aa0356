"""The site's bucket, from which CloudFront serves the client's files."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.front_door import site_bucket_name
from infra.environments import Environment
from infra.stacks.api import ApiStack
from infra.stacks.data import DataStack


class WebStack(Stack):
    """The stack. A release of the client copies its files to `.bucket` and invalidates `.distribution`."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        data: DataStack,
        api: ApiStack,
    ) -> None:
        super().__init__(scope, id, env=environment.cdk_environment)
        self.distribution: cloudfront.Distribution = api.front_door.distribution
        self.bucket = s3.Bucket(
            self,
            "site",
            bucket_name=site_bucket_name(environment, self.account),
            encryption=s3.BucketEncryption.S3_MANAGED,  # the files are public through CloudFront
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[s3.LifecycleRule(noncurrent_version_expiration=Duration.days(30))],
            server_access_logs_bucket=data.log_bucket,
            server_access_logs_prefix="site/",
            removal_policy=environment.removal_policy,
        )
        only_ours = {"StringEquals": {"AWS:SourceArn": self.distribution.distribution_arn}}
        for action, resource in (
            ("s3:GetObject", self.bucket.arn_for_objects("*")),
            ("s3:ListBucket", self.bucket.bucket_arn),  # without it, S3 answers 403 for a missing page
        ):
            self.bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
                    actions=[action],
                    resources=[resource],
                    conditions=only_ours,
                )
            )
        CfnOutput(self, "SiteBucket", value=self.bucket.bucket_name, description="Bucket of the client's files")
