"""The resources of films: jobs, projects, presets, assets, engines and shares. One method for each request."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from .async_http import AsyncHttp, AsyncPages, AsyncResource
from .async_stream import stream
from .errors import ApiError, AssetRejected, ConnectionFailed, WaitTimedOut, error_of
from .model import Page
from .models import (
    Asset,
    AssetUpload,
    Engine,
    Event,
    Job,
    Preset,
    Project,
    Quote,
    Share,
    SharedFilm,
)
from .retries import Tries, new_key
from .sources import TYPES, Content, Source, content_of, media_type_of
from .wire import given

if TYPE_CHECKING:
    from datetime import datetime

    from typing_extensions import Unpack

    from .models import AssetStatus, AssetType, JobOutput, JobStatus
    from .params import (
        JobContinueParams,
        JobCreateParams,
        JobExtendParams,
        OwnPresetCreateParams,
        OwnPresetUpdateParams,
        PresetCreateParams,
        PresetDuplicateParams,
        PresetUpdateParams,
    )

ASSET_ID = re.compile(r"ast_[0-9A-Z]{26}")
VERIFICATION_SECONDS = 180.0
MAX_DOWNLOAD_BYTES = 200 * 2**20  # the largest file that the studio accepts


class AsyncJobs(AsyncResource):
    """Jobs: `client.films` makes them more easily."""

    async def create(self, *, idempotency_key: str | None = None, **job: Unpack[JobCreateParams]) -> Job:
        """Submit a job. Its credits are held now, and charged when it completes."""
        return await self._submit("/api/jobs", job, idempotency_key)

    async def quote(self, **job: Unpack[JobCreateParams]) -> Quote:
        """Return what the job would cost. Nothing is held or stored."""
        return await self._http.read(Quote, "POST", "/api/jobs/quote", body=job, repeatable=True)

    async def retry(self, job_id: str, *, max_credits: int | None = None, idempotency_key: str | None = None) -> Job:
        """Submit the same job again. It starts from the finished steps of this one."""
        return await self._submit(f"/api/jobs/{job_id}/retry", given(max_credits=max_credits) or None, idempotency_key)

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

    async def final(self, job_id: str, *, max_credits: int | None = None, idempotency_key: str | None = None) -> Job:
        """Submit the film of a completed draft at its whole size."""
        return await self._submit(f"/api/jobs/{job_id}/final", given(max_credits=max_credits) or None, idempotency_key)

    def list(
        self,
        *,
        project_id: str | None = None,
        organization_id: str | None = None,
        batch_id: str | None = None,
        status: JobStatus | None = None,
        text: str | None = None,
        created_after: datetime | str | None = None,
        created_before: datetime | str | None = None,
        limit: int | None = None,
    ) -> AsyncPages[Job]:
        """List jobs, newest first. `text` is a part of the prompt, and `limit` is the size of a page."""
        query = given(
            project_id=project_id,
            organization_id=organization_id,
            batch_id=batch_id,
            status=status,
            text=text,
            created_after=created_after,
            created_before=created_before,
            limit=limit,
        )
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


class AsyncProjects(AsyncResource):
    """Projects: the folders of jobs."""

    async def create(
        self, name: str, *, organization_id: str | None = None, idempotency_key: str | None = None
    ) -> Project:
        """Create a project in the caller's account, or in that of an organization."""
        body = given(name=name, organization_id=organization_id)
        return await self._http.read(Project, "POST", "/api/projects", body=body, key=idempotency_key or new_key())

    def list(
        self, *, organization_id: str | None = None, text: str | None = None, limit: int | None = None
    ) -> AsyncPages[Project]:
        """List the projects of an account. `text` is a part of the name."""
        query = given(organization_id=organization_id, text=text, limit=limit)
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


class AsyncPresets(AsyncResource):
    """Presets: the camera moves."""

    def list(self, *, category: str | None = None, text: str | None = None) -> AsyncPages[Preset]:
        """List the presets of the studio, or those of a category or with a text."""
        return AsyncPages(self._http, "/api/presets", Page[Preset], **given(category=category, text=text))

    async def get(self, preset_id: str) -> Preset:
        """Return the preset. The error of an unknown one suggests similar ones."""
        return await self._http.read(Preset, "GET", f"/api/presets/{preset_id}")

    async def duplicate(
        self, preset_id: str, *, idempotency_key: str | None = None, **changes: Unpack[PresetDuplicateParams]
    ) -> Preset:
        """Make a private copy of a preset."""
        path, key = f"/api/presets/{preset_id}/duplicate", idempotency_key or new_key()
        return await self._http.read(Preset, "POST", path, body=changes, key=key)

    async def create(self, *, idempotency_key: str | None = None, **preset: Unpack[PresetCreateParams]) -> Preset:
        """Create a preset of the studio. Only platform admins can do this."""
        key = idempotency_key or new_key()
        return await self._http.read(Preset, "POST", "/api/presets", body=preset, key=key)

    async def update(self, preset_id: str, **changes: Unpack[PresetUpdateParams]) -> Preset:
        """Change a preset of the studio. Only platform admins can do this."""
        return await self._http.read(Preset, "PATCH", f"/api/presets/{preset_id}", body=changes)


class AsyncOwnPresets(AsyncResource):
    """Private presets of an account. A job that was submitted with one keeps its move."""

    def list(
        self, *, organization_id: str | None = None, category: str | None = None, text: str | None = None
    ) -> AsyncPages[Preset]:
        """List the private presets, newest first."""
        query = given(organization_id=organization_id, category=category, text=text)
        return AsyncPages(self._http, "/api/presets/own", Page[Preset], **query)

    async def create(self, *, idempotency_key: str | None = None, **preset: Unpack[OwnPresetCreateParams]) -> Preset:
        """Create a private preset."""
        key = idempotency_key or new_key()
        return await self._http.read(Preset, "POST", "/api/presets/own", body=preset, key=key)

    async def get(self, preset_id: str) -> Preset:
        """Return the private preset."""
        return await self._http.read(Preset, "GET", f"/api/presets/own/{preset_id}")

    async def update(self, preset_id: str, **changes: Unpack[OwnPresetUpdateParams]) -> Preset:
        """Change the private preset."""
        return await self._http.read(Preset, "PATCH", f"/api/presets/own/{preset_id}", body=changes)

    async def delete(self, preset_id: str) -> None:
        """Delete the private preset."""
        await self._http.send("DELETE", f"/api/presets/own/{preset_id}")


class AsyncAssets(AsyncResource):
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

    async def import_url(
        self,
        url: str,
        *,
        name: str,
        type: AssetType,  # the field of the API
        project_id: str | None = None,
        wait: bool = True,
        timeout: float = VERIFICATION_SECONDS,
        idempotency_key: str | None = None,
    ) -> Asset:
        """Let the studio download a file, and return its asset as `upload` does. The URL begins with `https://`."""
        body = given(url=url, name=name, type=type, project_id=project_id)
        key = idempotency_key or new_key()
        asset = await self._http.read(Asset, "POST", "/api/assets/import", body=body, key=key)
        return await self._verified(asset, monotonic() + timeout) if wait else asset

    async def import_output(
        self,
        job_id: str,
        output: JobOutput,
        *,
        name: str,
        wait: bool = True,
        timeout: float = VERIFICATION_SECONDS,
        idempotency_key: str | None = None,
    ) -> Asset:
        """Copy a file of a completed job into an asset, and return it as `upload` does."""
        body, key = given(job_id=job_id, output=output, name=name), idempotency_key or new_key()
        asset = await self._http.read(Asset, "POST", "/api/assets/import-output", body=body, key=key)
        return await self._verified(asset, monotonic() + timeout) if wait else asset

    def list(
        self,
        *,
        organization_id: str | None = None,
        project_id: str | None = None,
        type: AssetType | None = None,  # the field of the API
        status: AssetStatus | None = None,
        text: str | None = None,
        limit: int | None = None,
    ) -> AsyncPages[Asset]:
        """List the assets of an account, newest first. `text` is a part of the name."""
        query = given(
            organization_id=organization_id, project_id=project_id, type=type, status=status, text=text, limit=limit
        )
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


class AsyncEngines(AsyncResource):
    """Engines: the programs and services that perform the stages of a film."""

    def list(self) -> AsyncPages[Engine]:
        """List the engines with their prices and limits, in the order in which a job without a wish gets them."""
        return AsyncPages(self._http, "/api/engines", Page[Engine])


class AsyncShares(AsyncResource):
    """Public links to films."""

    async def create(self, job_id: str, title: str) -> Share:
        """Make a public link to the film of a job. A lost answer is not repeated: `list` shows the link."""
        return await self._http.read(Share, "POST", "/api/shares", body={"job_id": job_id, "title": title})

    def list(self, job_id: str) -> AsyncPages[Share]:
        """List the public links of a job, newest first."""
        return AsyncPages(self._http, "/api/shares", Page[Share], job_id=job_id)

    async def film(self, share_id: str) -> SharedFilm:
        """Return what a visitor of the link sees."""
        return await self._http.read(SharedFilm, "GET", f"/api/shares/{share_id}")

    async def delete(self, share_id: str) -> None:
        """Delete the link."""
        await self._http.send("DELETE", f"/api/shares/{share_id}")


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
