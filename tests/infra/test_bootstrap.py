"""`make bootstrap`: an empty account has the roles as which AWS works, before anything is deployed."""

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
    """Answers as IAM does: moto makes such a role twice."""

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
def test_the_roles_of_an_empty_account_are_made() -> None:
    assert prepare() == list(SERVICES)
    roles = boto3.client("iam").list_roles()["Roles"]
    assert {role["Path"] for role in roles} == {f"/aws-service-role/{service}/" for service in SERVICES}


def test_roles_that_are_there_are_no_obstacle(account: ServiceRoles) -> None:
    account.roles = [SERVICES[0]]
    assert prepare() == list(SERVICES[1:])
    assert prepare() == []


def test_any_other_refusal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "client", lambda _name: ServiceRoles("no such service"))
    with pytest.raises(ClientError, match="no such service"):
        prepare()


def test_make_bootstrap_makes_them() -> None:
    [recipe] = re.findall(r"^bootstrap:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "-m infra.bootstrap" in recipe


def test_each_role_that_a_template_takes_for_granted_is_made(cloud: Assembly) -> None:
    granted = {
        str(target["RoleARN"]).split("/")[2]
        for target in cloud.resources("AWS::ApplicationAutoScaling::ScalableTarget")
    }  # fmt: skip
    assert granted
    assert granted <= set(SERVICES)
    assert "ecs.amazonaws.com" in SERVICES, "each environment has a cluster"
