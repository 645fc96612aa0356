"""Permissions in the synthesized template: one readable page for each environment.

The pages are committed, so that a review shows each change of a permission.
"""

import json
import re
from typing import Any

from tools.template import Assembly, Resource, many, synthesized

Page = dict[str, dict[str, Any]]


def statements(document: Any) -> list[dict[str, Any]]:
    """A policy's statements, in one order and one spelling."""
    found = []
    for statement in document["Statement"]:
        spelled: dict[str, Any] = {"effect": statement["Effect"]} if statement["Effect"] != "Allow" else {}
        for name in ("Action", "NotAction", "Resource", "NotResource"):
            if name in statement:
                spelled[name[0].lower() + name[1:]] = sorted(map(readable, many(statement[name])))
        if "Principal" in statement:
            spelled["principal"] = json.loads(readable(json.dumps(statement["Principal"])))
        if "Condition" in statement:
            spelled["condition"] = json.loads(readable(json.dumps(statement["Condition"])))
        found.append(spelled)
    return sorted(found, key=lambda one: json.dumps(one, sort_keys=True))


def readable(text: str) -> str:
    """Without the hashes that the CDK adds to what has no name of its own."""
    return re.sub(r"\{(\w+?)[0-9A-F]{8}(?:[0-9a-f]{32})?(\.\w+)?\}", r"{\1\2}", text)


def page(cloud: Assembly) -> Page:
    """Each role's permissions and who may take it, the policies of resources, and who may call which function."""
    roles: Page = {}
    for role in cloud.resources("AWS::IAM::Role"):
        roles[_name(role)] = {
            "assumed by": statements(role["AssumeRolePolicyDocument"]),
            "managed": sorted(map(readable, role.properties.get("ManagedPolicyArns", []))),
            "may": [
                one for inline in role.properties.get("Policies", []) for one in statements(inline["PolicyDocument"])
            ],
        }
    for policy in cloud.resources("AWS::IAM::Policy"):
        for reference in policy["Roles"]:
            owner = f"{policy.stack} {readable(reference).strip('{}')}"
            may = roles[owner]["may"] + statements(policy["PolicyDocument"])
            roles[owner]["may"] = sorted(may, key=lambda one: json.dumps(one, sort_keys=True))
    resources: Page = {}
    for kind, owner_property in (
        ("AWS::S3::BucketPolicy", "Bucket"), ("AWS::SQS::QueuePolicy", "Queues"), ("AWS::SNS::TopicPolicy", "Topics"),
    ):  # fmt: skip
        for policy in cloud.resources(kind):
            for owner in many(policy[owner_property]):
                resources[readable(owner)] = {"allows": statements(policy["PolicyDocument"])}
    for key in cloud.resources("AWS::KMS::Key"):
        resources[f"{key.stack} {readable(f'{{{key.id}}}')}"] = {"allows": statements(key["KeyPolicy"])}
    for endpoint in cloud.resources("AWS::EC2::VPCEndpoint"):
        if "PolicyDocument" in endpoint.properties:
            name = f"{endpoint.stack} {readable(f'{{{endpoint.id}}}')}"
            resources[name] = {"allows": statements(endpoint["PolicyDocument"])}
    policies: Page = {}
    for policy in cloud.resources("AWS::IAM::ManagedPolicy"):
        policies[f"{policy.stack} {readable(f'{{{policy.id}}}')}"] = {
            "of": sorted(map(readable, policy.properties.get("Roles", ()))),  # and of roles that name it
            "may": statements(policy["PolicyDocument"]),
        }
    return {
        "roles": dict(sorted(roles.items())),
        "policies": dict(sorted(policies.items())),
        "resources": dict(sorted(resources.items())),
        "functions": callers(cloud),
    }


def callers(cloud: Assembly) -> Page:
    """Who may call each function, and for whom: AWS's services, each for resources of ours."""
    found: dict[str, list[dict[str, Any]]] = {}
    for permission in cloud.resources("AWS::Lambda::Permission"):
        said = permission.properties
        spelled = {
            name[0].lower() + name[1:]: readable(str(value)) for name, value in said.items() if name != "FunctionName"
        }
        found.setdefault(_called(said["FunctionName"], cloud), []).append(spelled)
    return {
        name: {"called by": sorted(who, key=lambda one: json.dumps(one, sort_keys=True))}
        for name, who in sorted(found.items())
    }


def _called(reference: str, cloud: Assembly) -> str:
    """`rest-jobs`, or `rest-jobs:live` of its snapshot; permissions name it, or give its ARN."""
    return readable(str(reference)).rpartition(":function:")[2].removeprefix(f"{cloud.prefix}-")


def _name(role: Resource) -> str:
    return f"{role.stack} {readable(str(role.properties.get('RoleName') or f'{{{role.id}}}')).strip('{}')}"


def text_of(environment: str) -> str:
    """The page as it is committed."""
    return json.dumps(page(synthesized(environment)), indent=1) + "\n"
