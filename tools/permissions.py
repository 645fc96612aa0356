"""Permissions in the synthesized templates: one readable page for each environment.

The pages are committed, so that a review shows each change of a permission.
"""

import json
import re
from typing import Any

from tools.template import Assembly, Resource, many, synthesized

Page = dict[str, dict[str, Any]]


def statements(document: Any) -> list[dict[str, Any]]:
    """Return a policy's statements, sorted and in one spelling."""
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
    """Return the text without the hashes that the CDK adds to logical ids."""
    return re.sub(r"\{(\w+?)[0-9A-F]{8}(?:[0-9a-f]{32})?(\.\w+)?\}", r"{\1\2}", text)


def page(cloud: Assembly) -> Page:
    """Return the roles with their permissions and principals, the resource policies, and the callers of functions."""
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
            "of": sorted(map(readable, policy.properties.get("Roles", ()))),  # other roles may refer to it too
            "may": statements(policy["PolicyDocument"]),
        }
    return {
        "roles": dict(sorted(roles.items())),
        "policies": dict(sorted(policies.items())),
        "resources": dict(sorted(resources.items())),
        "functions": callers(cloud),
    }


def callers(cloud: Assembly) -> Page:
    """Return the permitted callers of each function: AWS services, with the resources for which they may call."""
    found: dict[str, list[dict[str, Any]]] = {}
    for permission in cloud.resources("AWS::Lambda::Permission"):
        given = permission.properties
        spelled = {
            name[0].lower() + name[1:]: readable(str(value)) for name, value in given.items() if name != "FunctionName"
        }
        found.setdefault(_called(given["FunctionName"], cloud), []).append(spelled)
    return {
        name: {"called by": sorted(allowed, key=lambda one: json.dumps(one, sort_keys=True))}
        for name, allowed in sorted(found.items())
    }


def _called(reference: str, cloud: Assembly) -> str:
    """Return `rest-jobs`, or `rest-jobs:live` for its snapshot, from a permission's function name or ARN."""
    return readable(str(reference)).rpartition(":function:")[2].removeprefix(f"{cloud.prefix}-")


def _name(role: Resource) -> str:
    return f"{role.stack} {readable(str(role.properties.get('RoleName') or f'{{{role.id}}}')).strip('{}')}"


def text_of(environment: str) -> str:
    """Return the text of the committed page."""
    return json.dumps(page(synthesized(environment)), indent=1) + "\n"
