"""The limits of plans: projects, storage and sockets of an account."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.realtime import connect, disconnect
from shared.access.permissions import AccountRole
from shared.access.principal import Principal
from shared.assets.record import AssetRecord, AssetStatus
from shared.connections.record import ConnectionRecord, ListenerRecord
from shared.core.clock import utc_now
from shared.subscriptions.plans import PLANS
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from tests.support.studio import Answer, Creator

MB = 1000**2
ACTIVE = SubscriptionStatus.ACTIVE


@pytest.fixture(autouse=True)
def small_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    for plan, size in ((PlanType.FREE, 2), (PlanType.PRO, 3)):
        small = replace(PLANS[plan], projects=size, assets=size, stored_bytes=size * 10 * MB, sockets=size)
        monkeypatch.setitem(PLANS, plan, small)


def project(creator: Creator) -> Answer:
    return creator.post("/api/projects", {"name": "Harbour"})


def upload(creator: Creator, size: int = 1 * MB) -> Answer:
    body = {"name": "me.png", "type": "IMAGE", "contentType": "image/png", "size": size}
    return creator.post("/api/assets/upload", body)


def test_an_account_has_the_projects_of_its_plan(ada: Creator, eve: Creator) -> None:
    ids = [project(ada).body["id"] for _ in range(2)]
    before = ada.studio.dump()
    refused = project(ada)
    assert (refused.status, refused.body["code"]) == (409, "too_many_projects")
    assert ada.studio.dump() == before
    assert project(eve).status == 201
    ada.delete(f"/api/projects/{ids[0]}")
    assert project(ada).status == 201
    subscriptions.put(ada.user_id, PlanType.PRO, ACTIVE, at=utc_now())
    assert [project(ada).status for _ in range(2)] == [201, 409]


def test_a_repeated_request_at_the_limit_gets_the_first_answer(ada: Creator) -> None:
    project(ada)
    first, again = (ada.post("/api/projects", {"name": "Harbour"}, key="k") for _ in range(2))
    assert (first.status, again.status, again.body) == (201, 201, first.body)


def test_an_account_has_the_number_of_assets_of_its_plan(ada: Creator, eve: Creator) -> None:
    assert [upload(ada).status for _ in range(3)] == [201, 201, 409]
    assert upload(ada).body["code"] == "storage_full"
    assert upload(eve).status == 201
    subscriptions.put(ada.user_id, PlanType.PRO, ACTIVE, at=utc_now())
    assert upload(ada).status == 201


def test_an_account_has_the_storage_of_its_plan(ada: Creator) -> None:
    assert upload(ada, 21 * MB).status == 409
    assert upload(ada, 15 * MB).status == 201
    assert upload(ada, 6 * MB).status == 409
    assert upload(ada, 5 * MB).status == 201


def test_a_deleted_asset_frees_its_storage(ada: Creator) -> None:
    asset_id = upload(ada, 20 * MB).body["asset"]["id"]
    assert upload(ada).status == 409
    assert ada.delete(f"/api/assets/{asset_id}").status == 204
    assert upload(ada).status == 201


@pytest.mark.parametrize(
    ("status", "days", "counts"),
    [
        (AssetStatus.PENDING, 0, True), (AssetStatus.PENDING, 2, False), (AssetStatus.VERIFYING, 2, True),
        (AssetStatus.READY, 2, True), (AssetStatus.REJECTED, 0, False),
    ],
)  # fmt: skip
def test_only_assets_count_that_have_a_file_or_can_get_one(
    ada: Creator, status: AssetStatus, days: int, counts: bool
) -> None:
    asset_id = ada.asset(status=status)
    created_at = utc_now() - timedelta(days=days)
    AssetRecord(asset_id).update([AssetRecord.size.set(20 * MB), AssetRecord.created_at.set(created_at)])
    assert upload(ada).status == (409 if counts else 201)


def opened(creator: Creator, connection_id: str, seconds: int = 600) -> int:
    expires_at = utc_now() + timedelta(seconds=seconds)
    caller = Principal(creator.user_id, creator.user_id, AccountRole.OWNER, expires_at)
    context: dict[str, Any] = {"connectionId": connection_id, "authorizer": caller.context()}
    return int(connect.handler({"requestContext": context}, None)["statusCode"])


def test_an_account_has_the_sockets_of_its_plan(ada: Creator, eve: Creator) -> None:
    assert [opened(ada, f"c{number}") for number in range(3)] == [200, 200, 429]
    assert opened(eve, "c4") == 200
    assert {row.connection_id for row in ListenerRecord.query(f"account:{ada.user_id}")} == {"c0", "c1"}
    with pytest.raises(ConnectionRecord.DoesNotExist):
        ConnectionRecord.get("c2")
    disconnect.handler({"requestContext": {"connectionId": "c0"}}, None)
    assert opened(ada, "c5") == 200
    subscriptions.put(ada.user_id, PlanType.PRO, ACTIVE, at=utc_now())
    assert [opened(ada, f"c{number}") for number in (6, 7)] == [200, 429]


def test_an_expired_socket_does_not_count(ada: Creator) -> None:
    assert [opened(ada, f"c{number}") for number in range(2)] == [200, 200]
    ended = ListenerRecord(f"account:{ada.user_id}", "c0")
    ended.update([ListenerRecord.expires_at.set(utc_now() - timedelta(seconds=1))])
    assert opened(ada, "c2") == 200


def test_a_higher_plan_has_higher_limits() -> None:
    free, pro, enterprise = (PLANS[plan] for plan in PlanType)
    for lower, higher in ((free, pro), (pro, enterprise)):
        assert lower.projects <= higher.projects
        assert lower.stored_bytes <= higher.stored_bytes
        assert lower.sockets <= higher.sockets
