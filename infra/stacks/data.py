"""The stores: tables, media bucket, encryption key, and secrets with their rotation."""

from collections.abc import Mapping, Sequence

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
from infra.functions import ROTATION_BEGIN, ROTATION_ROTATE
from infra.grants import READ, SCAN, WRITE, Grants
from infra.secrets import PAYMENT_SECRETS, PROVENANCE_SECRETS, PROVIDER_KEYS, ROTATED_SECRETS, VERIFICATION_KEYS
from infra.tables import RECORDS
from shared.aws.records import Record

_EMPTY = (*PROVENANCE_SECRETS, *PROVIDER_KEYS, *PAYMENT_SECRETS)  # the operator writes them
RENEW = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
PUBLIC_KEYS = (
    "cloudfront:CreateKeyGroup",
    "cloudfront:CreatePublicKey",
    "cloudfront:DeleteKeyGroup",
    "cloudfront:DeletePublicKey",
    "cloudfront:GetKeyGroup",
    "cloudfront:GetPublicKey",
    "cloudfront:ListKeyGroups",
    "cloudfront:ListPublicKeys",
    "cloudfront:UpdateKeyGroup",
)


class DataStack(Stack):
    """The stack. `.tables` is by record class, `.secrets` by name without the environment's prefix."""

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
        self._signs_films = environment.signs_films
        self.key = self._key(environment)
        self.tables: dict[type[Record], dynamodb.Table] = {
            record: RecordTable(self, environment, record, key=self.key) for record in RECORDS
        }
        self.log_bucket = LogBucket(self, "logs", environment)
        self.media_bucket = MediaBucket(self, "media", environment, key=self.key, logs=self.log_bucket)
        self.secrets: dict[str, secretsmanager.ISecret] = {
            **{name: self._secret(environment, name) for name in (*ROTATED_SECRETS, VERIFICATION_KEYS)},
            **{name: self._empty_secret(environment, name) for name in _EMPTY},
        }
        acknowledge(
            self.secrets[VERIFICATION_KEYS],
            "Rotated together with the signing key, whose public halves it contains.",
            "AwsSolutions-SMG4",
        )
        self.rotation = KeyRotation(
            self,
            "rotation",
            environment,
            rotated={name: self.secrets[name] for name in ROTATED_SECRETS},
            derived=self.secrets[VERIFICATION_KEYS],
        )
        for function in (ROTATION_BEGIN, ROTATION_ROTATE):
            self.grant(self.rotation.functions[function.name].own_role, function.may)
        self.media_key_group_id: str = self.rotation.media_key_group_id

    def grant(self, role: iam.IRole, may: Grants) -> None:
        """Add the grants on tables, secrets, media and public keys to the role."""
        tables = {record: self.tables[record].table_arn for record in may.tables}
        indexes = [f"{tables[record]}/index/{index}" for record in may.reads for index in index_names(record)]
        self._allow(role, READ, *(tables[record] for record in may.reads), *indexes)
        self._allow(role, SCAN, *(tables[record] for record in may.scans))
        self._allow(role, WRITE, *(tables[record] for record in may.writes))
        self._allow(role, ("dynamodb:GetItem",), *(tables[record] for record in may.gets))
        self._allow(role, ("dynamodb:PutItem",), *(tables[record] for record in may.puts))
        for updates in may.updates:
            self._allow(role, ("dynamodb:UpdateItem",), tables[updates.record], conditions=_only(updates.attributes))
        for actions, names in (
            (("secretsmanager:GetSecretValue",), may.secrets),
            (("secretsmanager:DescribeSecret",), may.secrets_described),
            (RENEW, may.secrets_renewed),
        ):
            readable = (name for name in names if self._signs_films or name not in PROVENANCE_SECRETS)
            self._allow(role, actions, *(self.secrets[name].secret_arn for name in readable))
        self.grant_media(
            role,
            reads=may.media_reads,
            writes=may.media_writes,
            lists=may.media_lists,
            versions=may.media_versions,
            deletes=may.media_deletes,
        )
        sealing = {"kms:Encrypt": may.seals, "kms:Decrypt": may.unseals}
        self._allow(
            role,
            [action for action, granted in sealing.items() if granted],
            *[self.key.key_arn] * any(sealing.values()),
        )
        if may.public_keys:
            self._allow(role, PUBLIC_KEYS, "*")
            acknowledge(role, "Public keys and key groups have no ARN in IAM.", "AwsSolutions-IAM5[Resource::*]")

    def grant_media(
        self,
        role: iam.IRole,
        *,
        reads: Sequence[str] = (),
        writes: Sequence[str] = (),
        lists: Sequence[str] = (),
        versions: Sequence[str] = (),
        deletes: Sequence[str] = (),
    ) -> None:
        """Add permissions on objects below these prefixes. `deletes` includes listing."""
        bucket = f"arn:{self.partition}:s3:::{self.media_bucket.name}"
        for actions, prefixes in (
            (("s3:GetObject",), reads),
            (("s3:PutObject", "s3:PutObjectTagging"), writes),
            (("s3:DeleteObject", "s3:DeleteObjectVersion"), deletes),
        ):
            objects = [f"{bucket}/{prefix}*" for prefix in prefixes]
            self._allow(role, actions, *objects)
            acknowledge_wildcards(role, "All objects below one prefix. Their names are not known in advance.", *objects)
        for action, listable in (
            ("s3:ListBucket", (*lists, *deletes)),
            ("s3:ListBucketVersions", (*versions, *deletes)),
        ):
            if listable:
                listed = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in listable]}}
                self._allow(role, (action,), bucket, conditions=listed)

    @staticmethod
    def _allow(
        role: iam.IRole,
        actions: Sequence[str],
        *resources: str,
        conditions: Mapping[str, object] | None = None,
    ) -> None:
        """Add the statement if there are resources."""
        if resources:
            role.add_to_principal_policy(
                iam.PolicyStatement(actions=[*actions], resources=[*resources], conditions=conditions)
            )

    def _key(self, environment: Environment) -> kms.Key:
        """Create the key that encrypts all data at rest.

        A caller in this account with access to a table, bucket or secret may decrypt it through that service only, as
        with AWS's own keys. So only the permissions of the resource decide access.
        """
        key = kms.Key(
            self,
            "key",
            alias=f"{environment.prefix}-data",
            description=f"Encrypts the data of {environment.prefix}",
            enable_key_rotation=True,
            removal_policy=environment.removal_policy,
        )
        services = [f"{service}.{self.region}.{self.url_suffix}" for service in ("dynamodb", "s3", "secretsmanager")]
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],  # the condition limits it to this account
                actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey"],
                resources=["*"],  # in a key policy, `*` means this key
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
        """Create a secret with a placeholder. `functions/rotation` stores a key in it before the first read."""
        return secretsmanager.Secret(
            self,
            name,
            secret_name=environment.secret_prefix + name,
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template="{}",  # noqa: S106  # a template, not a secret
                generate_string_key="unset",
            ),
            removal_policy=environment.removal_policy,
        )

    def _empty_secret(self, environment: Environment, name: str) -> secretsmanager.ISecret:
        """Create a secret that the operator fills. Without it films are unsigned, or its engines not offered."""
        made = secretsmanager.CfnSecret(self, name, name=environment.secret_prefix + name, kms_key_id=self.key.key_arn)
        made.apply_removal_policy(environment.removal_policy)
        acknowledge(made, "The certificate authority or the provider renews it.", "AwsSolutions-SMG4")
        return secretsmanager.Secret.from_secret_complete_arn(self, f"{name}-given", made.ref)


def _only(attributes: Sequence[str]) -> dict[str, object] | None:
    """Return the conditions for updates of these attributes whose answer has no other ones; None for all attributes.

    AWS documents this form: a list of attributes needs a limit of the returned values beside it.
    """
    if not attributes:
        return None
    return {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": list(attributes)},
        "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]},
    }
