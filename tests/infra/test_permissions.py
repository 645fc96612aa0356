"""Nobody may do more than is written down: in the snapshot, and beside each wildcard."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.permissions import page, statements
from tools.template import Assembly, Resource, many

# What AWS grants on everything or not at all. cdk-nag wants one acknowledgement a role; here is what it may cover.
WITHOUT_A_RESOURCE = {
    r"xray:\w+",
    r"ecr:GetAuthorizationToken",
    r"logs:\w+",  # of Step Functions: the delivery of vended logs
    r"cloudfront:\w+",  # IAM knows no ARNs of public keys and key groups
    r"ec2:\w*NetworkInterface\w*",
    r"ec2:Describe\w+",
    r"ecs:DiscoverPollEndpoint",
    r"dynamodb:ListStreams",
}


def policies(cloud: Assembly) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Every statement that a role has."""
    for policy in cloud.resources("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            yield policy, statement
    for role in cloud.resources("AWS::IAM::Role"):
        for inline in role.properties.get("Policies", ()):
            for statement in inline["PolicyDocument"]["Statement"]:
                yield role, statement


def test_the_snapshot_tells_a_widening() -> None:
    before = {"Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:::one"}]}
    wider = {"Statement": [{**before["Statement"][0], "Resource": ["arn:aws:sqs:::one", "arn:aws:sqs:::two"]}]}
    stronger = {"Statement": [{**before["Statement"][0], "Action": ["sqs:SendMessage", "sqs:PurgeQueue"]}]}
    assert len({json.dumps(statements(document)) for document in (before, wider, stronger)}) == 3


def test_only_services_that_ours_are_called_by_may_call_functions_and_only_for_this_account(cloud: Assembly) -> None:
    """`s3.amazonaws.com` without a source would be anybody's bucket."""
    permissions = cloud.resources("AWS::Lambda::Permission")
    assert {permission["Principal"] for permission in permissions} == {
        "apigateway.amazonaws.com", "events.amazonaws.com", "secretsmanager.amazonaws.com",
    }  # fmt: skip
    for permission in permissions:
        assert permission["Action"] == "lambda:InvokeFunction", permission
        assert {"SourceArn", "SourceAccount"} & set(permission.properties), permission


def test_the_snapshot_tells_a_managed_policy_and_a_caller(tmp_path: Path) -> None:
    """However the policy is attached: by itself, or by the role."""
    grant = {"Effect": "Allow", "Action": "dynamodb:DeleteTable", "Resource": "*"}
    call = {"FunctionName": "kinora-dev-rest-jobs", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    resources = {
        "Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": [grant]}}},
        "Call": {"Type": "AWS::Lambda::Permission", "Properties": call},
    }
    (tmp_path / "kinora-dev-data.template.json").write_text(json.dumps({"Resources": resources}))
    told = page(Assembly("dev", tmp_path, ""))
    [policy] = told["policies"].values()
    assert policy["may"] == [{"action": ["dynamodb:DeleteTable"], "resource": ["*"]}]
    assert told["functions"] == {
        "rest-jobs": {"called by": [{"action": "lambda:InvokeFunction", "principal": "s3.amazonaws.com"}]}
    }


def test_no_policy_grants_all_actions_of_a_service(cloud: Assembly) -> None:
    for policy, statement in policies(cloud):
        assert "NotAction" not in statement, policy
        for action in many(statement["Action"]):
            assert "*" not in action, (policy, action)


def test_everything_is_granted_only_where_aws_knows_no_resource(cloud: Assembly) -> None:
    for policy, statement in policies(cloud):
        if statement["Effect"] == "Allow" and "*" in many(statement["Resource"]):
            for action in many(statement["Action"]):
                assert any(re.fullmatch(known, action) for known in WITHOUT_A_RESOURCE), (policy, action)


def test_only_api_gateways_own_role_has_aws_own_policies(cloud: Assembly) -> None:
    managed = {
        arn.rpartition("/")[2]
        for role in cloud.resources("AWS::IAM::Role") for arn in role.properties.get("ManagedPolicyArns", ())
    }  # fmt: skip
    assert managed <= {
        "AmazonAPIGatewayPushToCloudWatchLogs",
        "AmazonECSInfrastructureRolePolicyForManagedInstances",
    }


def test_functions_never_scan_and_workers_reach_neither_money_nor_users(cloud: Assembly) -> None:
    for policy, statement in policies(cloud):
        assert "dynamodb:Scan" not in many(statement["Action"]), policy
        if policy.stack == "workers":
            reached = re.findall(rf"table/{cloud.prefix}-([\w-]+)", str(statement["Resource"]))
            assert set(reached) <= {"jobs", "step-results", "step-tokens", "assets"}, policy


def test_the_verifier_of_uploads_touches_no_job(cloud: Assembly) -> None:
    found = [
        statement for policy, statement in policies(cloud)
        if policy.stack == "workers" and policy.id.startswith("assetverification")
    ]  # fmt: skip
    assert found
    for statement in found:
        assert not re.search(r"table/[\w-]+-(jobs|step)|/jobs/|:stateMachine:", str(statement["Resource"]))


def test_no_role_is_made_that_may_nothing(cloud: Assembly) -> None:
    """AWS scales as a role of its own: one of ours would look as if it mattered."""
    assert [name for name, role in page(cloud)["roles"].items() if not role["may"] and not role["managed"]] == []


def test_each_function_has_a_role_of_its_own(cloud: Assembly) -> None:
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
