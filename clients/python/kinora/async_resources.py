"""The resources of the API: one method for each request."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from .async_http import AsyncHttp, AsyncPages
from .async_stream import stream
from .errors import ApiError, AssetRejected, ConnectionFailed, WaitTimedOut, error_of
from .model import Page
from .models import (
    Asset,
    AssetUpload,
    AuditEntry,
    Event,
    Invite,
    Job,
    Key,
    LedgerEntry,
    Me,
    Member,
    Membership,
    NewKey,
    Organization,
    OrganizationDetail,
    PageLink,
    Preset,
    Project,
    Quote,
    Subscription,
    Usage,
)
from .retries import Tries, new_key
from .sources import TYPES, Content, Source, content_of, media_type_of
from .wire import given

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .models import AccountRole
    from .params import (
        CheckoutParams,
        JobContinueParams,
        JobCreateParams,
        JobExtendParams,
        KeyCreateParams,
        MemberUpdateParams,
    )

ASSET_ID = re.compile(r"ast_[0-9A-Z]{26}")
VERIFICATION_SECONDS = 180.0
MAX_DOWNLOAD_BYTES = 200 * 2**20  # the largest file that the studio accepts


class _Resource:
    def __init__(self, http: AsyncHttp) -> None:
        self._http = http


class AsyncJobs(_Resource):
    """Jobs: `client.films` makes them more easily."""

    async def create(self, *, idempotency_key: str | None = None, **job: Unpack[JobCreateParams]) -> Job:
        """Submit a job. Its credits are held now, and charged when it completes."""
        return await self._submit("/api/jobs", job, idempotency_key)

    async def quote(self, **job: Unpack[JobCreateParams]) -> Quote:
        """Return what the job would cost. Nothing is held or stored."""
        return await self._http.read(Quote, "POST", "/api/jobs/quote", body=job, repeatable=True)

    async def retry(self, job_id: str, *, idempotency_key: str | None = None) -> Job:
        """Submit the same job again. It starts from the finished steps of this one."""
        return await self._submit(f"/api/jobs/{job_id}/retry", None, idempotency_key)

    async def approve(
        self, job_id: str, *, idempotency_key: str | None = None, **changes: Unpack[JobContinueParams]
    ) -> Job:
        """Submit the film of a completed still. The picture is the still's, and is not charged again."""
        return await self._submit(f"/api/jobs/{job_id}/continue", changes, idempotency_key)

    async def extend(
        self, job_id: str, *, idempotency_key: str | None = None, **changes: Unpack[JobExtendParams]
    ) -> Job:
        """Submit a film that begins with the last frame of this completed film."""
        return await self._submit(f"/api/jobs/{job_id}/extend", changes, idempotency_key)

    async def final(self, job_id: str, *, idempotency_key: str | None = None) -> Job:
        """Submit the film of a completed draft at its whole size."""
        return await self._submit(f"/api/jobs/{job_id}/final", None, idempotency_key)

    def list(
        self,
        *,
        project_id: str | None = None,
        organization_id: str | None = None,
        batch_id: str | None = None,
        limit: int | None = None,
    ) -> AsyncPages[Job]:
        """List jobs, newest first. `limit` is the size of a page."""
        query = given(project_id=project_id, organization_id=organization_id, batch_id=batch_id, limit=limit)
        return AsyncPages(self._http, "/api/jobs", Page[Job], **query)

    async def get(self, job_id: str) -> Job:
        """Return the job, with signed URLs of its results."""
        return await self._http.read(Job, "GET", f"/api/jobs/{job_id}")

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job that has not ended. Nothing is charged. A second cancel changes nothing."""
        return await self._http.read(Job, "POST", f"/api/jobs/{job_id}/cancel", repeatable=True)

    async def delete(self, job_id: str) -> None:
        """Delete an ended job and its media."""
        await self._http.send("DELETE", f"/api/jobs/{job_id}")

    async def stream(self, job_id: str, *, timeout: float | None = None) -> AsyncIterator[Event]:
        """Yield the job's snapshot, then each event in order and once, until the job has ended.

        The stream survives cuts, and polls without a socket. Raise WaitTimedOut after `timeout` seconds.
        """
        async for event in stream(self._http, job_id, timeout=timeout):
            yield event

    async def _submit(self, path: str, body: Mapping[str, Any] | None, key: str | None) -> Job:
        return await self._http.read(Job, "POST", path, body=body, key=key or new_key())


class AsyncProjects(_Resource):
    """Projects: the folders of jobs."""

    async def create(
        self, name: str, *, organization_id: str | None = None, idempotency_key: str | None = None
    ) -> Project:
        """Create a project in the caller's account, or in that of an organization."""
        body = given(name=name, organization_id=organization_id)
        return await self._http.read(Project, "POST", "/api/projects", body=body, key=idempotency_key or new_key())

    def list(self, *, organization_id: str | None = None, limit: int | None = None) -> AsyncPages[Project]:
        """List the projects of an account."""
        query = given(organization_id=organization_id, limit=limit)
        return AsyncPages(self._http, "/api/projects", Page[Project], **query)

    async def get(self, project_id: str) -> Project:
        """Return the project."""
        return await self._http.read(Project, "GET", f"/api/projects/{project_id}")

    async def rename(self, project_id: str, name: str) -> Project:
        """Rename the project."""
        return await self._http.read(Project, "PATCH", f"/api/projects/{project_id}", body={"name": name})

    async def delete(self, project_id: str) -> None:
        """Delete a project without jobs."""
        await self._http.send("DELETE", f"/api/projects/{project_id}")


class AsyncPresets(_Resource):
    """Presets: the camera moves."""

    def list(self, *, category: str | None = None) -> AsyncPages[Preset]:
        """List the presets, or those of a category."""
        return AsyncPages(self._http, "/api/presets", Page[Preset], **given(category=category))

    async def get(self, preset_id: str) -> Preset:
        """Return the preset. The error of an unknown one suggests similar ones."""
        return await self._http.read(Preset, "GET", f"/api/presets/{preset_id}")


class AsyncAssets(_Resource):
    """Assets: the files of the caller that films use."""

    async def upload(
        self,
        source: Source,
        *,
        name: str | None = None,
        media_type: str | None = None,
        project_id: str | None = None,
        wait: bool = True,
        timeout: float = VERIFICATION_SECONDS,
        idempotency_key: str | None = None,
    ) -> Asset:
        """Upload a file and return its asset when the studio has verified it, or at once without `wait`.

        `source` is a path, an `https://` URL, bytes, an open file, a picture of PIL or an array of numpy. An asset or
        its id is returned as it is. Raise AssetRejected if the studio cannot read the file.
        """
        if isinstance(source, Asset):
            return source
        if isinstance(source, str) and ASSET_ID.fullmatch(source):
            return await self.get(source)
        is_url = isinstance(source, str) and source.startswith(("https://", "http://"))
        content = await self._downloaded(str(source)) if is_url else content_of(source, name, media_type)
        created = await self._http.read(
            AssetUpload,
            "POST",
            "/api/assets/upload",
            body=given(
                name=content.name,
                type=content.kind,
                content_type=content.media_type,
                size=content.size,
                project_id=project_id,
            ),
            key=idempotency_key or new_key(),
        )
        await self._put(created, content)
        asset = await self._http.read(
            Asset, "POST", "/api/assets", body={"asset_id": created.asset.id}, repeatable=True
        )
        return await self._verified(asset, monotonic() + timeout) if wait else asset

    def list(self, *, organization_id: str | None = None, limit: int | None = None) -> AsyncPages[Asset]:
        """List the assets of an account, newest first."""
        query = given(organization_id=organization_id, limit=limit)
        return AsyncPages(self._http, "/api/assets", Page[Asset], **query)

    async def get(self, asset_id: str) -> Asset:
        """Return the asset, with its status and a signed URL."""
        return await self._http.read(Asset, "GET", f"/api/assets/{asset_id}")

    async def delete(self, asset_id: str) -> None:
        """Delete an asset that no open job uses."""
        await self._http.send("DELETE", f"/api/assets/{asset_id}")

    async def _put(self, created: AssetUpload, content: Content) -> None:
        """Send the file to storage. A second try writes the same object."""
        tries = Tries("POST", repeatable=True, max_retries=self._http.settings.max_retries)
        while True:
            try:
                with content.open() as file:
                    answer = await self._http.media.post(
                        created.upload.url,
                        data=created.upload.fields,
                        files={"file": (content.name, file, content.media_type)},
                    )
            except httpx.TransportError as error:
                wait = tries.after_error(error)
                if wait is None:
                    raise ConnectionFailed(f"{content.name} could not be uploaded: {error}.") from error
            else:
                if answer.is_success:
                    return
                wait = tries.after(answer)
                if wait is None:
                    raise error_of(answer)
            await asyncio.sleep(wait)

    async def _verified(self, asset: Asset, deadline: float) -> Asset:
        pause = 0.1
        while asset.status not in {"READY", "REJECTED"}:
            if monotonic() > deadline:
                raise WaitTimedOut(f"{asset.name} has not been verified in time. The verification continues.")
            await asyncio.sleep(pause)
            pause = min(2.0, pause * 1.5)
            asset = await self.get(asset.id)
        if asset.status == "REJECTED":
            raise AssetRejected(f"{asset.name} was refused: {asset.error}", asset.error_code)
        return asset

    async def _downloaded(self, url: str) -> Content:
        """Return the file at a URL. It is fetched by this program, not by the studio."""
        data = bytearray()
        try:
            async with self._http.media.stream("GET", url) as answer:
                if answer.is_error:
                    raise ConnectionFailed(f"{url} answered {answer.status_code}.")
                async for chunk in answer.aiter_bytes():
                    data += chunk
                    if len(data) > MAX_DOWNLOAD_BYTES:
                        raise ConnectionFailed(f"{url} has more than {MAX_DOWNLOAD_BYTES >> 20} MB.")
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise ConnectionFailed(f"{url} cannot be read: {error}.") from error
        name = PurePosixPath(urlsplit(url).path).name or "download"
        declared = answer.headers.get("content-type", "").partition(";")[0].strip()
        known = declared if declared in TYPES.values() else media_type_of(bytes(data[:32]))
        return content_of(bytes(data), name, known)


class AsyncKeys(_Resource):
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


class AsyncBilling(_Resource):
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
        self, *, organization_id: str | None = None, since: str | None = None, until: str | None = None
    ) -> AsyncPages[LedgerEntry]:
        """List all changes of the credits."""
        query = given(organization_id=organization_id, since=since, until=until)
        return AsyncPages(self._http, "/api/billing/ledger", Page[LedgerEntry], **query)

    async def checkout(self, *, idempotency_key: str | None = None, **order: Unpack[CheckoutParams]) -> PageLink:
        """Return the page on which a person buys a plan or credits."""
        key = idempotency_key or new_key()
        return await self._http.read(PageLink, "POST", "/api/billing/checkout", body=order, key=key)


class AsyncTeams(_Resource):
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


class AsyncAccount(_Resource):
    """The user of the key."""

    async def me(self) -> Me:
        """Return the user, with plan and credits."""
        return await self._http.read(Me, "GET", "/api/auth/me")


async def save(http: AsyncHttp, url: str, path: Path) -> Path:
    """Download a signed URL into a file, which appears when it is complete. A cut download starts again."""
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    tries = Tries("GET", repeatable=True, max_retries=http.settings.max_retries)
    try:
        while True:
            try:
                async with http.media.stream("GET", url) as answer:
                    if answer.is_success:
                        with part.open("wb") as file:
                            async for chunk in answer.aiter_bytes():
                                file.write(chunk)
                        part.replace(path)
                        return path
                    wait = tries.after(answer)
                    if wait is None:
                        raise ApiError(
                            answer.status_code,
                            {"detail": f"{path.name} could not be downloaded: the answer was {answer.status_code}."},
                            None,
                        )
            except httpx.TransportError as error:
                wait = tries.after_error(error)
                if wait is None:
                    raise ConnectionFailed(f"{path.name} could not be downloaded: {error}.") from error
            await asyncio.sleep(wait)
    finally:
        part.unlink(missing_ok=True)
