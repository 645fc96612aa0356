"""What must survive: tables, media, the key that encrypts them, and the secrets with their rotation."""

from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.acknowledge import acknowledge, acknowledge_wildcards
from infra.constructs.key_rotation import KeyRotation
from infra.constructs.media_bucket import LogBucket, MediaBucket, any_distribution
from infra.constructs.tables import RecordTable, index_names
from infra.environments import Environment
from infra.tables import RECORDS
from shared.aws.records import Record
from shared.stages.engines import ENGINES

READ = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:ConditionCheckItem")  # never Scan
WRITE = (
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
)
ROTATED_SECRETS = ("access-token-signing-key", "media-signing-key", "refresh-token-key")
VERIFICATION_KEYS = "access-token-verification-keys"
PROVENANCE_SECRETS = ("provenance-signing-key", "provenance-certificates")
PROVIDER_KEYS = tuple(sorted({engine.key for engine in ENGINES if engine.key}))


class DataStack(Stack):
    """`.tables` by record class, `.secrets` by the name that code asks for, without the environment's prefix."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
    ) -> None:
        super().__init__(
            scope, id, env=environment.cdk_environment, termination_protection=environment.deletion_protection
        )
        self.key = self._key(environment)
        self.tables: dict[type[Record], dynamodb.Table] = {
            record: RecordTable(self, environment, record, key=self.key) for record in RECORDS
        }
        self.log_bucket = LogBucket(self, "logs", environment)
        self.media_bucket = MediaBucket(self, "media", environment, key=self.key, logs=self.log_bucket)
        signing = PROVENANCE_SECRETS if environment.signs_films else ()
        self.secrets: dict[str, secretsmanager.ISecret] = {
            **{name: self._secret(environment, name) for name in (*ROTATED_SECRETS, VERIFICATION_KEYS)},
            **{name: self._empty_secret(environment, name) for name in (*signing, *PROVIDER_KEYS)},
        }
        acknowledge(
            self.secrets[VERIFICATION_KEYS],
            "Rotated together with the signing key whose public halves it holds.",
            "AwsSolutions-SMG4",
        )
        self.rotation = KeyRotation(
            self,
            "rotation",
            environment,
            rotated={name: self.secrets[name] for name in ROTATED_SECRETS},
            derived=self.secrets[VERIFICATION_KEYS],
        )
        self.media_key_group_id: str = self.rotation.media_key_group_id

    def grant_read(self, grantee: iam.IGrantable, *records: type[Record]) -> None:
        """Reading items of the records' tables by key, and querying their indexes."""
        tables = [self.tables[record].table_arn for record in records]
        indexes = [
            f"{self.tables[record].table_arn}/index/{index}" for record in records for index in index_names(record)
        ]
        self._allow(grantee, READ, *tables, *indexes)

    def grant_write(self, grantee: iam.IGrantable, *records: type[Record]) -> None:
        """Writing items of the records' tables, one by one or in a transaction."""
        self._allow(grantee, WRITE, *(self.tables[record].table_arn for record in records))

    def grant_secrets(self, grantee: iam.IGrantable, *names: str) -> None:
        """Reading the secrets' current values."""
        self._allow(grantee, ("secretsmanager:GetSecretValue",), *(self.secrets[name].secret_arn for name in names))

    def grant_secrets_seen(self, grantee: iam.IGrantable, *names: str) -> None:
        """Seeing whether the secrets have values, and not what they are."""
        self._allow(grantee, ("secretsmanager:DescribeSecret",), *(self.secrets[name].secret_arn for name in names))

    def grant_media(
        self,
        role: iam.IRole,
        *,
        reads: tuple[str, ...] = (),
        writes: tuple[str, ...] = (),
        deletes: tuple[str, ...] = (),
    ) -> None:
        """Objects below these prefixes (`jobs/`); who deletes may also list what there is."""
        bucket = f"arn:{self.partition}:s3:::{self.media_bucket.name}"
        for actions, prefixes in (
            (("s3:GetObject",), reads),
            (("s3:PutObject", "s3:PutObjectTagging"), writes),
            (("s3:DeleteObject",), deletes),
        ):
            if prefixes:
                objects = [f"{bucket}/{prefix}*" for prefix in prefixes]
                self._allow(role, actions, *objects)
                acknowledge_wildcards(role, "All objects below one prefix, whatever they are called.", *objects)
        if deletes:
            listed = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in deletes]}}
            self._allow(role, ("s3:ListBucket",), bucket, conditions=listed)

    @staticmethod
    def _allow(
        grantee: iam.IGrantable,
        actions: tuple[str, ...],
        *resources: str,
        conditions: Mapping[str, object] | None = None,
    ) -> None:
        statement = iam.PolicyStatement(actions=[*actions], resources=[*resources], conditions=conditions)
        grantee.grant_principal.add_to_principal_policy(statement)

    def _key(self, environment: Environment) -> kms.Key:
        """One key for all data at rest.

        Whoever may use a table, bucket or secret of this account may have it decrypted, through that service only: as
        with AWS's own keys, so that access is decided in one place, the resource's permissions.
        """
        key = kms.Key(
            self,
            "key",
            alias=f"{environment.prefix}-data",
            description=f"Encrypts what {environment.prefix} stores",
            enable_key_rotation=True,
            removal_policy=environment.removal_policy,
        )
        services = [f"{service}.{self.region}.{self.url_suffix}" for service in ("dynamodb", "s3", "secretsmanager")]
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],  # of this account, says the condition
                actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey"],
                resources=["*"],  # in a key's policy: the key
                conditions={"StringEquals": {"kms:CallerAccount": self.account, "kms:ViaService": services}},
            )
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
                actions=["kms:Decrypt"],
                resources=["*"],  # as above
                conditions={"StringLike": {"AWS:SourceArn": any_distribution(self)}},
            )
        )
        return key

    def _secret(self, environment: Environment, name: str) -> secretsmanager.Secret:
        """Made with a value that is no key; `functions/rotation` fills it before anybody reads it."""
        return secretsmanager.Secret(
            self,
            name,
            secret_name=environment.secret_prefix + name,
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template="{}",  # noqa: S106  # no secret: the shape of one
                generate_string_key="unset",
            ),
            removal_policy=environment.removal_policy,
        )

    def _empty_secret(self, environment: Environment, name: str) -> secretsmanager.ISecret:
        """For what others give: without a value films go out unsigned, and a provider's engines are not offered."""
        made = secretsmanager.CfnSecret(self, name, name=environment.secret_prefix + name, kms_key_id=self.key.key_arn)
        made.apply_removal_policy(environment.removal_policy)
        acknowledge(made, "It is renewed where it came from: at an authority, at a provider.", "AwsSolutions-SMG4")
        return secretsmanager.Secret.from_secret_complete_arn(self, f"{name}-given", made.ref)
