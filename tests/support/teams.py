"""An organization, its webhook and a delivery with fixed ids, for requests from the OpenAPI documents."""

from shared.access.permissions import AccountRole
from shared.aws.transactions import transaction
from shared.core.clock import utc_now
from shared.credits.store import credits
from shared.members.store import members
from shared.organizations.store import organizations
from shared.presets.presets import get_preset
from shared.presets.store import stored_presets
from shared.users.store import users
from shared.webhooks.record import WebhookDeliveryRecord, WebhookRecord
from tests.support.studio import Creator

NAMED = {
    "organization": "org_1",
    "member": "usr_bob",
    "invite": "inv_1",
    "webhook": "whk_1",
    "delivery": "evt_1",
    "user": "usr_bob",
    "engine": "fal-kling",
    "preset": "pre_1",
    "share": "shr_1",
}  # of the kinds of ids that requests name


def found(owner: Creator) -> None:
    """Write the organization of `NAMED` with an owner, a member and a webhook, and an own preset.

    The owner is also a platform admin.
    """
    at = utc_now()
    with transaction() as tx:
        organizations.create("org_1", name="Harbour Films", slug="org-1", at=at, tx=tx)
        credits.open_account("org_1", opening=0, at=at, tx=tx)
        users.create("usr_bob", email="usr_bob@example.com", name=None, at=at, tx=tx)
        members.add("org_1", owner.user_id, AccountRole.OWNER, at=at, tx=tx)
        members.add("org_1", "usr_bob", AccountRole.MEMBER, at=at, tx=tx)
        row = WebhookRecord("whk_1", account_id="org_1", url="https://example.com/", events=["job.completed"],
                            secret="x", created_at=at, updated_at=at)  # fmt: skip
        tx.put(row, otherwise=AssertionError())
        sent = WebhookDeliveryRecord("whk_1", "evt_1", account_id="org_1", event_type="job.completed", body="{}",
                                     status="DELIVERED", created_at=at, updated_at=at, expires_at=at)  # fmt: skip
        tx.put(sent, otherwise=AssertionError())
        credits.open_account("usr_bob", opening=0, at=at, tx=tx)
    owner.operate()
    with transaction() as tx:
        stored_presets.create(
            "pre_1", account_id=owner.user_id, owner_id=owner.user_id, name="Mine", description=None, category="zoom",
            config=get_preset("static").config, at=at, tx=tx,
        )  # fmt: skip
        organizations.count("org_1", members=1, tx=tx)
