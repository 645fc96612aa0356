"""The media bucket, private and encrypted, and the bucket of the access logs."""

from datetime import timedelta

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.environments import Environment
from shared.assets.record import ASSETS, QUARANTINE
from shared.jobs.keys import JOBS, WORK_LIFE

ANSWERS = "sagemaker/"  # responses of SageMaker endpoints. They are not read: a step's files are in the job's media
NONCURRENT_DAYS = 7  # an operator can restore an object that was overwritten or deleted without its version for so long
SERVED = (JOBS, ASSETS)  # prefixes that CloudFront may read; work/ and quarantine/ are not among them


class LogBucket(s3.Bucket):
    """Access logs of buckets and of CloudFront. They expire after the environment's `log_retention_days`."""

    def __init__(self, scope: Construct, id: str, environment: Environment) -> None:  # noqa: A002  # CDK's own name
        stack = Stack.of(scope)
        super().__init__(
            scope,
            id,
            bucket_name=f"{environment.prefix}-logs-{stack.account}",
            encryption=s3.BucketEncryption.S3_MANAGED,  # log delivery does not support another encryption
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(environment.log_retention_days))],
            removal_policy=environment.removal_policy,
        )
        acknowledge(
            self, "The log bucket cannot log its own access: each log would cause a new one.", "AwsSolutions-S1"
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("delivery.logs.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects(f"AWSLogs/{stack.account}/*")],  # where log delivery writes
                conditions={
                    "StringEquals": {
                        "aws:SourceAccount": stack.account,
                        "s3:x-amz-acl": "bucket-owner-full-control",
                    },
                    "ArnLike": {  # a later stack creates the delivery
                        "aws:SourceArn": f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:delivery-source:*"
                    },
                },
            )
        )


class MediaBucket(s3.Bucket):
    """The media bucket: new uploads in quarantine/, verified ones in assets/, jobs' files in work/ and jobs/."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        environment: Environment,
        *,
        key: kms.IKey,
        logs: s3.IBucket,
    ) -> None:
        stack = Stack.of(scope)
        self.name = environment.media_bucket(stack.account)
        super().__init__(
            scope,
            id,
            bucket_name=self.name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            server_access_logs_bucket=logs,
            server_access_logs_prefix="media/",
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="work", tag_filters={"kind": "work"}, expiration=Duration.days(WORK_LIFE / timedelta(days=1))
                ),
                *(
                    s3.LifecycleRule(
                        id=name,
                        prefix=prefix,
                        expiration=Duration.days(1),
                        noncurrent_version_expiration=Duration.days(1),
                    )
                    for name, prefix in (("quarantine", QUARANTINE), ("sagemaker", ANSWERS))
                ),
                s3.LifecycleRule(
                    id="noncurrent",
                    noncurrent_version_expiration=Duration.days(NONCURRENT_DAYS),
                    expired_object_delete_marker=True,
                ),
                s3.LifecycleRule(id="broken-off", abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
            cors=[
                s3.CorsRule(
                    allowed_methods=[s3.HttpMethods.POST],
                    # Any origin is safe: an upload needs the signed form, and the browser sends no cookie.
                    allowed_origins=[environment.origin or "*"],
                    allowed_headers=["*"],
                    max_age=3600,
                )
            ],
            removal_policy=environment.removal_policy,
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
                actions=["s3:GetObject"],
                resources=[self.arn_for_objects(f"{prefix}*") for prefix in SERVED],
                conditions={"StringLike": {"AWS:SourceArn": any_distribution(stack)}},
            )
        )


def any_distribution(stack: Stack) -> str:
    """Return an ARN that matches any distribution of this account, because a later stack creates the distribution."""
    return f"arn:{stack.partition}:cloudfront::{stack.account}:distribution/*"
