"""Storage: private, encrypted, with limited retention, and protected against deletion."""

import re
from datetime import timedelta

from infra.constructs.rest_api import DISTRIBUTION_KEY
from infra.secrets import PAYMENT_SECRETS, PROVIDER_KEYS
from infra.tables import RECORDS
from tools.template import Assembly, Resource, many

PROTECTED = {"staging", "prod"}  # their tables have deletion protection
# (DeletionPolicy, UpdateReplacePolicy) of lasting resources: retained once the deployment that created them succeeded.
RETAINED = ("RetainExceptOnCreate", "Retain")
ENCRYPTED_BY_AWS = {"aws:kms", "AES256"}
NOT_ROTATED = {
    "access-token-verification-keys",  # public halves, written when the signing key changes
    "provenance-signing-key",  # the operator buys its certificate and writes it
    "provenance-certificates",
    DISTRIBUTION_KEY,  # a new one needs a deployment
    *PROVIDER_KEYS,  # the providers create them, and the operator writes them
    *PAYMENT_SECRETS,  # Stripe creates them
}


def policies_of(cloud: Assembly, type: str, property: str) -> dict[str, list[dict[str, object]]]:  # noqa: A002  # the name in CloudFormation
    """Return the statements of resource policies by the resource that they belong to."""
    found: dict[str, list[dict[str, object]]] = {}
    for policy in cloud.resources(type):
        for owner in many(policy[property]):
            found.setdefault(owner, []).extend(policy["PolicyDocument"]["Statement"])
    return found


# --- buckets


def test_no_bucket_is_public(cloud: Assembly) -> None:
    buckets = cloud.resources("AWS::S3::Bucket")
    assert len(buckets) == 3
    for bucket in buckets:
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, bucket
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4, bucket
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}], bucket
    for name, statements in policies_of(cloud, "AWS::S3::BucketPolicy", "Bucket").items():
        for statement in statements:
            if statement["Effect"] == "Allow":
                assert "AWS" not in dict(statement["Principal"]), name  # type: ignore[call-overload]  # the line above has checked the shape
                assert statement.get("Condition") or "logging" in str(statement["Principal"]), name


def test_buckets_are_encrypted_and_media_with_our_own_key(cloud: Assembly) -> None:
    for bucket in cloud.resources("AWS::S3::Bucket"):
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in ENCRYPTED_BY_AWS
        if "-media-" in bucket["BucketName"]:
            assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"].startswith("{key")
            assert rule["BucketKeyEnabled"] is True


def test_buckets_and_queues_require_tls(cloud: Assembly) -> None:
    buckets = policies_of(cloud, "AWS::S3::BucketPolicy", "Bucket")
    queues = policies_of(cloud, "AWS::SQS::QueuePolicy", "Queues")
    assert set(buckets) == {bucket["BucketName"] for bucket in cloud.resources("AWS::S3::Bucket")}
    assert {url.rpartition("/")[2] for url in queues} == {q["QueueName"] for q in cloud.resources("AWS::SQS::Queue")}
    for owner, statements in (buckets | queues).items():
        assert any(
            statement["Effect"] == "Deny"
            and statement["Principal"] == {"AWS": "*"}
            and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            for statement in statements
        ), owner


def test_cloudfront_reads_no_work_and_no_quarantine(cloud: Assembly) -> None:
    [allowed] = [
        statement["Resource"]
        for name, statements in policies_of(cloud, "AWS::S3::BucketPolicy", "Bucket").items() if "-media-" in name
        for statement in statements if "cloudfront" in str(statement["Principal"])
    ]  # fmt: skip
    assert isinstance(allowed, list)
    assert sorted(str(resource).split("/", 1)[1] for resource in allowed) == ["assets/*", "jobs/*"]


def test_work_and_quarantine_expire(cloud: Assembly) -> None:
    [media] = [found for found in cloud.resources("AWS::S3::Bucket") if "-media-" in found["BucketName"]]
    rules = {rule["Id"]: rule for rule in media["LifecycleConfiguration"]["Rules"]}
    assert rules["work"]["TagFilters"] == [{"Key": "kind", "Value": "work"}]
    assert rules["work"]["ExpirationInDays"] == 7
    assert rules["quarantine"]["Prefix"] == "quarantine/"
    assert rules["quarantine"]["ExpirationInDays"] == 1
    assert media["VersioningConfiguration"] == {"Status": "Enabled"}
    noncurrent = {
        name: rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for name, rule in rules.items() if "NoncurrentVersionExpiration" in rule
    }  # fmt: skip
    assert noncurrent == {"noncurrent": 7, "quarantine": 1, "sagemaker": 1}
    assert rules["noncurrent"]["ExpiredObjectDeleteMarker"] is True
    assert all(rule["Status"] == "Enabled" for rule in rules.values())


# --- tables


def test_tables_are_encrypted_with_our_key_and_can_be_restored_to_any_moment(cloud: Assembly) -> None:
    tables = cloud.resources("AWS::DynamoDB::Table")
    assert len(tables) == len(RECORDS)
    for table in tables:
        assert table["SSESpecification"]["KMSMasterKeyId"].startswith("{key"), table
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, table


def test_tables_of_staging_and_prod_cannot_be_deleted_by_mistake(cloud: Assembly) -> None:
    for table in cloud.resources("AWS::DynamoDB::Table"):
        assert table["DeletionProtectionEnabled"] is (cloud.name in PROTECTED), table


def test_resources_of_prod_are_retained(prod: Assembly) -> None:
    lasting = prod.resources(
        "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup"
    )
    assert len(lasting) > 30
    for resource in lasting:
        assert (resource.raw["DeletionPolicy"], resource.raw["UpdateReplacePolicy"]) == RETAINED, resource


def test_a_failed_first_deployment_leaves_no_names_in_use(cloud: Assembly) -> None:
    """A retained resource would keep its name in use."""
    for resource in cloud.resources():
        if resource.raw.get("DeletionPolicy") == "Retain":
            assert not re.search(r"\w+Name\b", " ".join(resource.properties)), resource


# --- keys and secrets


def test_keys_are_rotated_and_used_by_this_account_only(cloud: Assembly) -> None:
    keys = cloud.resources("AWS::KMS::Key")
    assert keys
    for key in keys:
        assert key["EnableKeyRotation"] is True
        for statement in key["KeyPolicy"]["Statement"]:
            principal = statement["Principal"]
            if principal.get("AWS") == "*":
                assert "kms:CallerAccount" in statement["Condition"]["StringEquals"], key
            elif "Service" in principal:
                assert statement.get("Condition"), key


def test_secrets_are_encrypted_with_our_key_and_rotated_where_they_can_be(cloud: Assembly) -> None:
    secrets = cloud.resources("AWS::SecretsManager::Secret")
    rotated = {schedule["SecretId"] for schedule in cloud.resources("AWS::SecretsManager::RotationSchedule")}
    assert secrets
    for secret in secrets:
        assert secret["KmsKeyId"].startswith("{key"), secret
        name = secret["Name"].rpartition("/")[2]
        assert any(f"/{name}-" in arn for arn in rotated) is (name not in NOT_ROTATED), secret


# --- logs


def test_every_log_group_is_ours_and_has_a_retention(cloud: Assembly) -> None:
    groups = {group["LogGroupName"]: group for group in cloud.resources("AWS::Logs::LogGroup")}
    days = {group["RetentionInDays"] for group in groups.values()}
    assert len(days) == 1
    assert timedelta(days=1) <= timedelta(days=days.pop()) <= timedelta(days=365)
    for function in cloud.functions().values():
        assert function["LoggingConfig"]["LogGroup"] in groups, function


def test_no_environment_variable_contains_a_secret(cloud: Assembly) -> None:
    def variables(resource: Resource) -> dict[str, object]:
        if resource.type == "AWS::Lambda::Function":
            return dict(resource["Environment"]["Variables"])
        return {
            variable["Name"]: variable["Value"]
            for container in resource["ContainerDefinitions"] for variable in container["Environment"]
        }  # fmt: skip

    for resource in cloud.resources("AWS::Lambda::Function", "AWS::ECS::TaskDefinition"):
        for name, value in variables(resource).items():
            assert "resolve:secretsmanager" not in str(value), (resource, name)
            assert not re.search("TOKEN|PASSWORD|PRIVATE", name), (resource, name)
