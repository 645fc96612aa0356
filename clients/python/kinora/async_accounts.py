"""The resources of accounts: users, keys, money, organizations, webhooks and administration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .async_http import AsyncPages, AsyncResource
from .model import Page
from .models import (
    AdminEntry,
    AdminUser,
    AuditEntry,
    Delivery,
    EngineSwitch,
    Erasure,
    Granted,
    Health,
    Invite,
    Key,
    LedgerEntry,
    Me,
    Member,
    Membership,
    NewKey,
    NewWebhook,
    Organization,
    OrganizationDetail,
    PageLink,
    Settings,
    SignIn,
    SocketTicket,
    Subscription,
    Usage,
    Webhook,
)
from .retries import new_key
from .wire import given

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .models import AccountRole
    from .params import (
        CheckoutParams,
        CreditsGrantParams,
        KeyCreateParams,
        MemberUpdateParams,
        SettingsUpdateParams,
        WebhookCreateParams,
        WebhookUpdateParams,
    )


class AsyncKeys(AsyncResource):
    """API keys. Only a signed-in user reads and changes them: a key has no permission for it."""

    async def create(self, **key: Unpack[KeyCreateParams]) -> NewKey:
        """Create a key. Only this answer contains it, so a lost answer is not repeated."""
        return await self._http.read(NewKey, "POST", "/api/auth/keys", body=key)

    def list(self) -> AsyncPages[Key]:
        """List the keys, without their secrets."""
        return AsyncPages(self._http, "/api/auth/keys", Page[Key])

    async def revoke(self, key_id: str) -> None:
        """Revoke the key at once."""
        await self._http.send("DELETE", f"/api/auth/keys/{key_id}")


class AsyncBilling(AsyncResource):
    """Credits, plans and usage of an account."""

    async def subscription(self, *, organization_id: str | None = None) -> Subscription:
        """Return the plan and the credits."""
        query = given(organization_id=organization_id)
        return await self._http.read(Subscription, "GET", "/api/billing/subscription", query=query)

    async def usage(
        self, *, organization_id: str | None = None, since: str | None = None, until: str | None = None
    ) -> Usage:
        """Return the usage of each day. `since` and `until` are dates, such as 2026-03-01."""
        query = given(organization_id=organization_id, since=since, until=until)
        return await self._http.read(Usage, "GET", "/api/billing/usage", query=query)

    def ledger(
        self,
        *,
        organization_id: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
    ) -> AsyncPages[LedgerEntry]:
        """List all changes of the credits, newest first."""
        query = given(organization_id=organization_id, since=since, until=until, limit=limit)
        return AsyncPages(self._http, "/api/billing/ledger", Page[LedgerEntry], **query)

    async def ledger_csv(
        self, *, organization_id: str | None = None, since: str | None = None, until: str | None = None
    ) -> str:
        """Return all changes of the credits as a CSV file."""
        query = given(organization_id=organization_id, since=since, until=until, format="csv")
        return (await self._http.send("GET", "/api/billing/ledger", query=query)).text

    async def checkout(self, *, idempotency_key: str | None = None, **order: Unpack[CheckoutParams]) -> PageLink:
        """Return the page on which a person buys a plan or credits."""
        key = idempotency_key or new_key()
        return await self._http.read(PageLink, "POST", "/api/billing/checkout", body=order, key=key)

    async def portal(self, *, organization_id: str | None = None) -> PageLink:
        """Return the page on which a person changes the plan and the means of payment."""
        query = given(organization_id=organization_id)
        return await self._http.read(PageLink, "POST", "/api/billing/portal", query=query)


class AsyncTeams(AsyncResource):
    """Organizations, their members and invites."""

    async def create(self, name: str, slug: str, *, idempotency_key: str | None = None) -> Organization:
        """Create an organization, which the caller owns."""
        body, key = {"name": name, "slug": slug}, idempotency_key or new_key()
        return await self._http.read(Organization, "POST", "/api/teams", body=body, key=key)

    def list(self) -> AsyncPages[Organization]:
        """List the caller's organizations."""
        return AsyncPages(self._http, "/api/teams", Page[Organization])

    async def get(self, organization_id: str) -> OrganizationDetail:
        """Return the organization with its credits."""
        return await self._http.read(OrganizationDetail, "GET", f"/api/teams/{organization_id}")

    async def rename(self, organization_id: str, name: str) -> Organization:
        """Rename the organization."""
        return await self._http.read(Organization, "PATCH", f"/api/teams/{organization_id}", body={"name": name})

    async def delete(self, organization_id: str) -> None:
        """Delete an organization without projects and credits."""
        await self._http.send("DELETE", f"/api/teams/{organization_id}")

    async def transfer(self, organization_id: str, member_id: str) -> Organization:
        """Make another member the owner."""
        path = f"/api/teams/{organization_id}/transfer"
        return await self._http.read(Organization, "POST", path, body={"member_id": member_id})

    async def leave(self, organization_id: str) -> None:
        """Leave the organization."""
        await self._http.send("POST", f"/api/teams/{organization_id}/leave")

    async def give_credits(
        self, organization_id: str, credits: int, *, idempotency_key: str | None = None
    ) -> OrganizationDetail:
        """Move credits of the caller to the organization."""
        path, key = f"/api/teams/{organization_id}/credits", idempotency_key or new_key()
        return await self._http.read(OrganizationDetail, "POST", path, body={"credits": credits}, key=key)

    def members(self, organization_id: str) -> AsyncPages[Member]:
        """List the members."""
        return AsyncPages(self._http, f"/api/teams/{organization_id}/members", Page[Member])

    async def member(self, organization_id: str, member_id: str) -> Member:
        """Return one member."""
        return await self._http.read(Member, "GET", f"/api/teams/{organization_id}/members/{member_id}")

    async def update_member(
        self, organization_id: str, member_id: str, **changes: Unpack[MemberUpdateParams]
    ) -> Member:
        """Change the role or the monthly cap of a member."""
        path = f"/api/teams/{organization_id}/members/{member_id}"
        return await self._http.read(Member, "PATCH", path, body=changes)

    async def remove_member(self, organization_id: str, member_id: str) -> None:
        """Remove a member."""
        await self._http.send("DELETE", f"/api/teams/{organization_id}/members/{member_id}")

    async def invite(
        self, organization_id: str, email: str, role: AccountRole, *, idempotency_key: str | None = None
    ) -> Invite:
        """Invite an address by email."""
        path, key = f"/api/teams/{organization_id}/members/invite", idempotency_key or new_key()
        return await self._http.read(Invite, "POST", path, body={"email": email, "role": role}, key=key)

    def invites(self, organization_id: str) -> AsyncPages[Invite]:
        """List the open invites."""
        return AsyncPages(self._http, f"/api/teams/{organization_id}/invites", Page[Invite])

    async def withdraw_invite(self, organization_id: str, invite_id: str) -> None:
        """Withdraw an invite."""
        await self._http.send("DELETE", f"/api/teams/{organization_id}/invites/{invite_id}")

    async def accept_invite(self, token: str) -> Membership:
        """Join the organization whose invite has this token."""
        return await self._http.read(Membership, "POST", "/api/teams/accept", body={"token": token})

    def audit(self, organization_id: str, *, limit: int | None = None) -> AsyncPages[AuditEntry]:
        """List what members changed, newest first."""
        path = f"/api/teams/{organization_id}/audit"
        return AsyncPages(self._http, path, Page[AuditEntry], **given(limit=limit))


class AsyncAccount(AsyncResource):
    """The user of the key."""

    async def me(self) -> Me:
        """Return the user, with plan and credits."""
        return await self._http.read(Me, "GET", "/api/auth/me")

    async def settings(self) -> Settings:
        """Return the settings of the user."""
        return await self._http.read(Settings, "GET", "/api/settings")

    async def update_settings(self, **changes: Unpack[SettingsUpdateParams]) -> Settings:
        """Change settings."""
        return await self._http.read(Settings, "PATCH", "/api/settings", body=changes)

    async def socket_ticket(self) -> SocketTicket:
        """Return a ticket with which a browser opens one socket."""
        return await self._http.read(SocketTicket, "POST", "/api/auth/ws-ticket", repeatable=True)

    def sessions(self) -> AsyncPages[SignIn]:
        """List the sign-ins. This and the methods below need the access token of a session instead of a key."""
        return AsyncPages(self._http, "/api/auth/sessions", Page[SignIn])

    async def end_session(self, session_id: str) -> None:
        """End one session."""
        await self._http.send("DELETE", f"/api/auth/sessions/{session_id}")

    async def end_sessions(self) -> None:
        """End all sessions, also that of this client."""
        await self._http.send("DELETE", "/api/auth/sessions")

    async def change_password(self, current_password: str, new_password: str) -> None:
        """Set a new password, and end all other sessions."""
        body = {"current_password": current_password, "new_password": new_password}
        await self._http.send("POST", "/api/auth/change-password", body=body)

    async def delete(self, password: str, *, code: str | None = None) -> Erasure:
        """Delete the account and everything that it owns. `code` is that of a second factor."""
        body = given(password=password, code=code)
        return await self._http.read(Erasure, "DELETE", "/api/auth/me", body=body)


class AsyncWebhooks(AsyncResource):
    """Endpoints that receive events, and their deliveries. `kinora.webhooks.verify` checks what they receive."""

    async def create(self, **webhook: Unpack[WebhookCreateParams]) -> NewWebhook:
        """Create an endpoint. Only this answer contains its secret, so a lost answer is not repeated."""
        return await self._http.read(NewWebhook, "POST", "/api/webhooks", body=webhook)

    def list(self, *, organization_id: str | None = None) -> AsyncPages[Webhook]:
        """List the endpoints of an account, newest first."""
        return AsyncPages(self._http, "/api/webhooks", Page[Webhook], **given(organization_id=organization_id))

    async def get(self, webhook_id: str) -> Webhook:
        """Return the endpoint."""
        return await self._http.read(Webhook, "GET", f"/api/webhooks/{webhook_id}")

    async def update(self, webhook_id: str, **changes: Unpack[WebhookUpdateParams]) -> Webhook:
        """Change the URL or the events, or enable or disable the endpoint."""
        return await self._http.read(Webhook, "PATCH", f"/api/webhooks/{webhook_id}", body=changes)

    async def delete(self, webhook_id: str) -> None:
        """Delete the endpoint and its deliveries."""
        await self._http.send("DELETE", f"/api/webhooks/{webhook_id}")

    async def replace_secret(self, webhook_id: str) -> NewWebhook:
        """Give the endpoint a new secret. The old one signs too for a day. A lost answer is not repeated."""
        return await self._http.read(NewWebhook, "POST", f"/api/webhooks/{webhook_id}/secret")

    async def test(self, webhook_id: str) -> Delivery:
        """Send an event of the type `webhook.test`."""
        return await self._http.read(Delivery, "POST", f"/api/webhooks/{webhook_id}/test")

    def deliveries(self, webhook_id: str, *, limit: int | None = None) -> AsyncPages[Delivery]:
        """List the deliveries of the last 30 days, newest first."""
        path = f"/api/webhooks/{webhook_id}/deliveries"
        return AsyncPages(self._http, path, Page[Delivery], **given(limit=limit))

    async def replay(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Send the event of a delivery again. It has the same id."""
        path = f"/api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"
        return await self._http.read(Delivery, "POST", path)


class AsyncAdmin(AsyncResource):
    """Operations of platform admins, who have the access token of a session."""

    def users(self, *, address: str | None = None, limit: int | None = None) -> AsyncPages[AdminUser]:
        """List the users whose address contains a text."""
        return AsyncPages(self._http, "/api/admin/users", Page[AdminUser], **given(address=address, limit=limit))

    async def suspend(self, user_id: str, reason: str) -> AdminUser:
        """Suspend a user, whose keys, sessions and open jobs end at once."""
        path = f"/api/admin/users/{user_id}/suspend"
        return await self._http.read(AdminUser, "POST", path, body={"reason": reason})

    async def resume(self, user_id: str) -> AdminUser:
        """End the suspension of a user."""
        return await self._http.read(AdminUser, "POST", f"/api/admin/users/{user_id}/resume")

    async def grant_to_user(
        self, user_id: str, *, idempotency_key: str | None = None, **grant: Unpack[CreditsGrantParams]
    ) -> Granted:
        """Give credits to a user, or refund a job."""
        path, key = f"/api/admin/users/{user_id}/credits", idempotency_key or new_key()
        return await self._http.read(Granted, "POST", path, body=grant, key=key)

    async def grant_to_organization(
        self, organization_id: str, *, idempotency_key: str | None = None, **grant: Unpack[CreditsGrantParams]
    ) -> Granted:
        """Give credits to an organization, or refund a job of it."""
        path, key = f"/api/admin/organizations/{organization_id}/credits", idempotency_key or new_key()
        return await self._http.read(Granted, "POST", path, body=grant, key=key)

    def engines(self) -> AsyncPages[EngineSwitch]:
        """List the engines, also the disabled ones."""
        return AsyncPages(self._http, "/api/admin/engines", Page[EngineSwitch])

    async def disable_engine(self, engine_id: str, reason: str) -> EngineSwitch:
        """Stop new jobs from using the engine."""
        path = f"/api/admin/engines/{engine_id}/disable"
        return await self._http.read(EngineSwitch, "POST", path, body={"reason": reason})

    async def enable_engine(self, engine_id: str) -> EngineSwitch:
        """Offer the disabled engine again."""
        return await self._http.read(EngineSwitch, "POST", f"/api/admin/engines/{engine_id}/enable")

    async def take_down(self, share_id: str) -> None:
        """Close a public link, and prevent others to its film."""
        await self._http.send("POST", f"/api/shares/{share_id}/takedown")

    def audit(self, *, limit: int | None = None) -> AsyncPages[AdminEntry]:
        """List the actions of platform admins, newest first."""
        return AsyncPages(self._http, "/api/admin/audit", Page[AdminEntry], **given(limit=limit))

    async def health(self) -> Health:
        """Return whether the API, its functions and its tables work. Everybody can ask."""
        return await self._http.read(Health, "GET", "/api/health")
