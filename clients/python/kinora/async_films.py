"""Films: jobs with what a caller does with them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .async_http import AsyncHttp
from .async_resources import AsyncAssets, AsyncJobs, AsyncProjects, save
from .errors import FilmCancelled, FilmFailed, KinoraError
from .models import Event, Job, JobStatus, Quote, Stage
from .order import ENDED, applied
from .sources import Source
from .wire import given

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .params import JobContinueParams, JobExtendParams, JobSettingsParams

PROJECT = "Films"  # the project of films that name none

Sources = Source | Sequence[Source]
Kind = Literal["video", "poster", "thumbnail", "preview", "gif", "av1", "image", "sprites"]


class AsyncFilm:
    """A film that is made, or was made. `job` is its last known state."""

    def __init__(self, http: AsyncHttp, job: Job, on_progress: Callable[[AsyncFilm], object] | None = None) -> None:
        self._http, self._jobs, self._on_progress = http, AsyncJobs(http), on_progress
        self.job = job

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status} {self.progress}%>"

    @property
    def id(self) -> str:
        return self.job.id

    @property
    def status(self) -> JobStatus:
        return self.job.status

    @property
    def progress(self) -> int:
        """The progress of the whole job, 0 to 100."""
        return self.job.progress

    @property
    def step(self) -> Stage | None:
        """The stage that runs."""
        return self.job.current_step

    @property
    def ended(self) -> bool:
        return self.job.status in ENDED

    async def events(self, *, timeout: float | None = None) -> AsyncIterator[Event]:
        """Yield the events of the job as `client.jobs.stream` does, and keep `job` up to date."""
        async for event in self._jobs.stream(self.id, timeout=timeout):
            self.job = applied(self.job, event)
            yield event
        await self.refresh()  # for the URLs of the results

    async def wait(
        self, *, on_progress: Callable[[AsyncFilm], object] | None = None, timeout: float | None = None
    ) -> AsyncFilm:
        """Wait until the film is ready and return it. `on_progress` is called with the film after each event.

        Raise FilmFailed, FilmCancelled, or WaitTimedOut after `timeout` seconds.
        """
        report = on_progress or self._on_progress
        if not self.ended:
            async for _ in self.events(timeout=timeout):
                if report:
                    report(self)
        if self.status == "CANCELLED":
            raise FilmCancelled(f"The job {self.id} was cancelled. Nothing was charged.", self.id)
        if self.status != "COMPLETED":
            raise FilmFailed(self.job.error or f"The job {self.id} failed.", self.id)
        return self

    async def save(self, path: str | os.PathLike[str], kind: Kind = "video", *, timeout: float | None = None) -> Path:
        """Wait for the film, download it into a file and return the path."""
        await self.wait(timeout=timeout)
        url: str | None = getattr(self.job, f"{kind}_url")
        if url is None:
            raise KinoraError(f"The job {self.id} has no {kind}.")
        return await save(self._http, url, Path(path))

    async def refresh(self) -> AsyncFilm:
        """Read the job again: the signed URLs of its results are valid for a limited time."""
        self.job = await self._jobs.get(self.id)
        return self

    async def cancel(self) -> AsyncFilm:
        """Cancel the job. Nothing is charged."""
        self.job = await self._jobs.cancel(self.id)
        return self

    async def delete(self) -> None:
        """Delete the ended job and its media."""
        await self._jobs.delete(self.id)

    async def retry(self, *, max_credits: int | None = None, idempotency_key: str | None = None) -> AsyncFilm:
        """Make the same film again, from the finished steps of this one."""
        return self._next(await self._jobs.retry(self.id, max_credits=max_credits, idempotency_key=idempotency_key))

    async def approve(self, *, idempotency_key: str | None = None, **changes: Unpack[JobContinueParams]) -> AsyncFilm:
        """Make the film of this still."""
        return self._next(await self._jobs.approve(self.id, idempotency_key=idempotency_key, **changes))

    async def extend(self, *, idempotency_key: str | None = None, **changes: Unpack[JobExtendParams]) -> AsyncFilm:
        """Make a film that begins with the last frame of this one."""
        return self._next(await self._jobs.extend(self.id, idempotency_key=idempotency_key, **changes))

    async def final(self, *, max_credits: int | None = None, idempotency_key: str | None = None) -> AsyncFilm:
        """Make the film of this draft at its whole size."""
        return self._next(await self._jobs.final(self.id, max_credits=max_credits, idempotency_key=idempotency_key))

    def _next(self, job: Job) -> AsyncFilm:
        return AsyncFilm(self._http, job, self._on_progress)


class AsyncFilms:
    """Films from prompts and pictures."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http, self._jobs = http, AsyncJobs(http)
        self._assets, self._projects = AsyncAssets(http), AsyncProjects(http)
        self._project_id: str | None = os.environ.get("KINORA_PROJECT")

    async def create(
        self,
        prompt: str,
        *,
        preset: str | None = None,
        image: Sources | None = None,
        motion: Source | None = None,
        audio: Source | None = None,
        captions: Source | None = None,
        project: str | None = None,
        on_progress: Callable[[AsyncFilm], object] | None = None,
        max_credits: int | None = None,
        idempotency_key: str | None = None,
        **settings: Unpack[JobSettingsParams],
    ) -> AsyncFilm:
        """Submit a film and return it at once. `film.wait()` waits, and `film.save(path)` waits and downloads.

        `preset` is a camera move. `image` is one picture or several, and `motion` a clip whose camera is copied. See
        `client.assets.upload` for the kinds of files. `project` is the id of a project: the default is that of
        KINORA_PROJECT, or one of the name "Films". `on_progress` is called with the film while `wait` waits. If the
        price is higher than `max_credits`, raise MaxCreditsExceeded, and nothing is held.
        """
        body = await self._body(prompt, preset, image, motion, audio, captions, project, max_credits, settings)
        return AsyncFilm(self._http, await self._jobs.create(idempotency_key=idempotency_key, **body), on_progress)

    async def still(
        self,
        prompt: str,
        *,
        preset: str | None = None,
        project: str | None = None,
        max_credits: int | None = None,
        idempotency_key: str | None = None,
        **settings: Unpack[JobSettingsParams],
    ) -> AsyncFilm:
        """Submit the picture of a film only. `film.approve()` makes the film of it."""
        body = await self._body(prompt, preset, None, None, None, None, project, max_credits, settings)
        job = await self._jobs.create(idempotency_key=idempotency_key, until="IMAGE_GENERATION", **body)
        return AsyncFilm(self._http, job)

    async def variants(
        self,
        prompt: str,
        count: int,
        *,
        preset: str | None = None,
        image: Sources | None = None,
        motion: Source | None = None,
        audio: Source | None = None,
        captions: Source | None = None,
        project: str | None = None,
        max_credits: int | None = None,
        idempotency_key: str | None = None,
        **settings: Unpack[JobSettingsParams],
    ) -> list[AsyncFilm]:
        """Submit `count` films of one prompt with different seeds: all, or none."""
        body = await self._body(prompt, preset, image, motion, audio, captions, project, max_credits, settings)
        first = await self._jobs.create(idempotency_key=idempotency_key, count=count, **body)
        others = [await self.get(job_id) for job_id in first.batch or () if job_id != first.id]
        return [AsyncFilm(self._http, first), *others]

    async def quote(
        self,
        prompt: str,
        *,
        preset: str | None = None,
        image: Sources | None = None,
        motion: Source | None = None,
        audio: Source | None = None,
        captions: Source | None = None,
        project: str | None = None,
        **settings: Unpack[JobSettingsParams],
    ) -> Quote:
        """Return the price of a film, and the words that the painter does not understand. Files are uploaded."""
        return await self._jobs.quote(
            **await self._body(prompt, preset, image, motion, audio, captions, project, None, settings)
        )

    async def get(self, job_id: str) -> AsyncFilm:
        """Return the film of a job."""
        return AsyncFilm(self._http, await self._jobs.get(job_id))

    async def project_id(self) -> str:
        """Return the id of the project of films that name none. Create it if it is missing."""
        if self._project_id is None:
            found = [project.id async for project in self._projects.list() if project.name == PROJECT]
            self._project_id = min(found) if found else (await self._projects.create(PROJECT)).id
        return self._project_id

    async def _body(
        self,
        prompt: str,
        preset: str | None,
        image: Sources | None,
        motion: Source | None,
        audio: Source | None,
        captions: Source | None,
        project: str | None,
        max_credits: int | None,
        settings: JobSettingsParams,
    ) -> Any:
        pictures: Any = image if isinstance(image, (list, tuple)) else [image]
        files = [*(("picture", one) for one in pictures), ("driving", motion), ("audio", audio), ("captions", captions)]
        inputs = [
            {"role": role, "asset_id": (await self._assets.upload(one)).id} for role, one in files if one is not None
        ]
        chosen = given(**settings)
        return given(
            project_id=project or await self.project_id(),
            prompt=prompt,
            preset_id=preset,
            settings=chosen or None,
            inputs=inputs or None,
            max_credits=max_credits,
        )
