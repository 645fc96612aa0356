"""Permissions: each is in the snapshot, and each wildcard has an acknowledgement."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.functions import ALIAS, PROVIDER_WEBHOOK
from tools.permissions import page, statements
from tools.template import Assembly, Resource, many

# Actions that AWS grants only on all resources. cdk-nag requires one acknowledgement per role; these may be covered.
WITHOUT_A_RESOURCE = {
    r"xray:\w+",
    r"ecr:GetAuthorizationToken",
    r"logs:\w+",  # the delivery of vended logs of Step Functions
    r"cloudfront:\w+",  # public keys and key groups have no ARNs in IAM
    r"ec2:\w*NetworkInterface\w*",
    r"ec2:(Una|A)ssignPrivateIpAddresses",
    r"ec2:Describe\w+",
    r"ecs:DiscoverPollEndpoint",
    r"dynamodb:ListStreams",
}


def policies(cloud: Assembly) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Yield every policy statement of a role with its resource."""
    for policy in cloud.resources("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            yield policy, statement
    for role in cloud.resources("AWS::IAM::Role"):
        for inline in role.properties.get("Policies", ()):
            for statement in inline["PolicyDocument"]["Statement"]:
                yield role, statement


def test_the_snapshot_shows_a_widened_permission() -> None:
    before = {"Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:::one"}]}
    wider = {"Statement": [{**before["Statement"][0], "Resource": ["arn:aws:sqs:::one", "arn:aws:sqs:::two"]}]}
    stronger = {"Statement": [{**before["Statement"][0], "Action": ["sqs:SendMessage", "sqs:PurgeQueue"]}]}
    assert len({json.dumps(statements(document)) for document in (before, wider, stronger)}) == 3


def test_only_the_services_in_use_may_call_functions_and_only_for_this_account(cloud: Assembly) -> None:
    """A permission for `s3.amazonaws.com` without a source would let any bucket call the function."""
    permissions = [one for one in cloud.resources("AWS::Lambda::Permission") if one["Principal"] != "*"]
    with_sentry = {"logs.amazonaws.com"} if cloud.name == "elsewhere" else set()
    assert {permission["Principal"] for permission in permissions} == {
        "apigateway.amazonaws.com", "events.amazonaws.com", "secretsmanager.amazonaws.com", *with_sentry,
    }  # fmt: skip
    for permission in permissions:
        assert permission["Action"] == "lambda:InvokeFunction", permission
        assert {"SourceArn", "SourceAccount"} & set(permission.properties), permission


def test_everybody_may_call_one_function_and_only_through_its_url(cloud: Assembly) -> None:
    """It checks the signatures of providers."""
    [url] = cloud.resources("AWS::Lambda::Url")
    assert (url["AuthType"], url["Qualifier"]) == ("NONE", ALIAS)
    open_to_all = [one for one in cloud.resources("AWS::Lambda::Permission") if one["Principal"] == "*"]
    assert {one["FunctionName"] for one in open_to_all} == {f"{url['TargetFunctionArn']}:{ALIAS}"}
    assert str(url["TargetFunctionArn"]).endswith(PROVIDER_WEBHOOK.name)
    through_url = [
        (one["Action"], one.properties.get("FunctionUrlAuthType"), one.properties.get("InvokedViaFunctionUrl"))
        for one in open_to_all
    ]
    assert sorted(through_url, key=str) == [
        ("lambda:InvokeFunction", None, True), ("lambda:InvokeFunctionUrl", "NONE", None),
    ]  # fmt: skip


def test_the_snapshot_shows_a_managed_policy_and_a_caller(tmp_path: Path) -> None:
    """A managed policy can be attached by the policy itself or by the role."""
    grant = {"Effect": "Allow", "Action": "dynamodb:DeleteTable", "Resource": "*"}
    call = {"FunctionName": "kinora-dev-rest-jobs", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    resources = {
        "Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": [grant]}}},
        "Call": {"Type": "AWS::Lambda::Permission", "Properties": call},
    }
    (tmp_path / "kinora-dev-data.template.json").write_text(json.dumps({"Resources": resources}))
    summary = page(Assembly("dev", tmp_path))
    [policy] = summary["policies"].values()
    assert policy["may"] == [{"action": ["dynamodb:DeleteTable"], "resource": ["*"]}]
    assert summary["functions"] == {
        "rest-jobs": {"called by": [{"action": "lambda:InvokeFunction", "principal": "s3.amazonaws.com"}]}
    }


def test_no_policy_grants_all_actions_of_a_service(cloud: Assembly) -> None:
    for policy, statement in policies(cloud):
        assert "NotAction" not in statement, policy
        for action in many(statement["Action"]):
            assert "*" not in action, (policy, action)


def test_wildcard_resources_are_only_for_actions_without_resources(cloud: Assembly) -> None:
    for policy, statement in policies(cloud):
        if statement["Effect"] == "Allow" and "*" in many(statement["Resource"]):
            for action in many(statement["Action"]):
                assert any(re.fullmatch(known, action) for known in WITHOUT_A_RESOURCE), (policy, action)


def test_only_roles_of_services_have_aws_own_policies(cloud: Assembly) -> None:
    managed = {
        arn.rpartition("/")[2]
        for role in cloud.resources("AWS::IAM::Role") for arn in role.properties.get("ManagedPolicyArns", ())
    }  # fmt: skip
    assert managed <= {
        "AmazonAPIGatewayPushToCloudWatchLogs",
        "AmazonECSInfrastructureRolePolicyForManagedInstances",
        "AWSCodeDeployRoleForLambdaLimited",
    }


def test_only_upkeep_and_admins_scan_and_workers_access_neither_credits_nor_users(cloud: Assembly) -> None:
    for policy, statement in policies(cloud):
        if "dynamodb:Scan" in many(statement["Action"]):
            assert policy.id.startswith(("upkeep", "restadmin")), policy
        if policy.stack == "workers":
            reached = re.findall(rf"table/{cloud.prefix}-([\w-]+)", str(statement["Resource"]))
            assert set(reached) <= {"jobs", "step-results", "step-tokens", "assets"}, policy


def test_the_verifier_of_uploads_cannot_access_jobs(cloud: Assembly) -> None:
    found = [
        statement for policy, statement in policies(cloud)
        if policy.stack == "workers" and policy.id.startswith(("assetverification", "isolatedverification"))
    ]  # fmt: skip
    assert found
    for statement in found:
        assert not re.search(r"table/[\w-]+-(jobs|step)|/(jobs|work)/|:stateMachine:", str(statement["Resource"]))


def test_every_role_has_permissions(cloud: Assembly) -> None:
    """AWS scales with its service-linked role, so our own role would have no effect."""
    assert [name for name, role in page(cloud)["roles"].items() if not role["may"] and not role["managed"]] == []


def test_each_function_has_its_own_role(cloud: Assembly) -> None:
    functions = cloud.functions().values()
    assert len({function["Role"] for function in functions}) == len(functions)


def test_only_this_repository_and_environment_may_deploy(cloud: Assembly) -> None:
    [role] = [found for found in cloud.resources("AWS::IAM::Role") if found.stack == "delivery"]
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    condition = statement["Condition"]["StringEquals"]
    assert condition["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    assert re.fullmatch(
        r"repo:[\w-]+/[\w-]+:environment:" + cloud.name, condition["token.actions.githubusercontent.com:sub"]
    )
