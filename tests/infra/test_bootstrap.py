"""`make bootstrap`: creates the service-linked roles in an empty account, before the first deployment."""

import re
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from infra.bootstrap import SERVICES, prepare
from local.environment import ROOT
from tools.template import Assembly


class ServiceRoles:
    """A stand-in for IAM that refuses to create an existing role; moto creates it twice."""

    class exceptions:  # noqa: N801  # boto3's name
        class InvalidInputException(ClientError):
            pass

    def __init__(self, refusal: str = "") -> None:
        self.roles: list[str] = []
        self._refusal = refusal

    def create_service_linked_role(self, *, AWSServiceName: str) -> None:  # noqa: N803  # boto3's name
        short = "Service role name AWSServiceRoleForX has been taken in this account, please try a different suffix."
        if AWSServiceName in self.roles or self._refusal:
            error: Any = {"Error": {"Code": "InvalidInput", "Message": self._refusal or short}}
            raise self.exceptions.InvalidInputException(error, "CreateServiceLinkedRole")
        self.roles.append(AWSServiceName)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> ServiceRoles:
    made = ServiceRoles()
    monkeypatch.setattr(boto3, "client", lambda _name: made)
    return made


@mock_aws
def test_the_roles_of_an_empty_account_are_created() -> None:
    assert prepare() == list(SERVICES)
    roles = boto3.client("iam").list_roles()["Roles"]
    assert {role["Path"] for role in roles} == {f"/aws-service-role/{service}/" for service in SERVICES}


def test_existing_roles_are_skipped(account: ServiceRoles) -> None:
    account.roles = [SERVICES[0]]
    assert prepare() == list(SERVICES[1:])
    assert prepare() == []


def test_any_other_refusal_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "client", lambda _name: ServiceRoles("no such service"))
    with pytest.raises(ClientError, match="no such service"):
        prepare()


def test_make_bootstrap_runs_the_module() -> None:
    [recipe] = re.findall(r"^bootstrap:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "-m infra.bootstrap" in recipe


def test_each_service_linked_role_of_a_template_is_created(cloud: Assembly) -> None:
    granted = {
        str(target["RoleARN"]).split("/")[2]
        for target in cloud.resources("AWS::ApplicationAutoScaling::ScalableTarget")
    }  # fmt: skip
    assert bool(granted) is bool(cloud.resources("AWS::ECS::Service"))
    assert granted <= set(SERVICES)
    assert "ecs.amazonaws.com" in SERVICES, "each environment has a cluster"
