"""The tools of `kinora mcp` for programs that speak the Model Context Protocol. Needs the extra `mcp`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from .allowance import Allowance
from .async_client import AsyncKinora
from .async_films import AsyncFilm
from .errors import ApiError, FilmFailed, KinoraError, WaitTimedOut
from .models import Job
from .settings import __version__
from .wire import given

MAX_LISTED = 100
READS = ToolAnnotations(read_only_hint=True)
PAYS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False)

Prompt = Annotated[str, Field(description="What the film shows: a place, things, light, weather.")]
Preset = Annotated[str | None, Field(description="The camera move, such as crash-zoom-in or orbit-left.")]
Duration = Annotated[float | None, Field(description="Seconds.")]
Resolution = Annotated[str | None, Field(description="480p, 720p, 1080p, 1440p or 4k.")]
Aspect = Annotated[str | None, Field(description="The aspect ratio, such as 16:9 or 9:16.")]
Style = Annotated[str | None, Field(description="The painting style, such as oil.")]
Seconds = Annotated[float, Field(gt=0, le=600, description="The longest wait, in seconds.")]
FilmId = Annotated[str, Field(description="The id of the film, as `make` returns it.")]


class Price(BaseModel):
    """The price of a film."""

    credits: int
    balance: int
    allowance_left: int
    not_understood: list[str]


class Made(BaseModel):
    """A film that is made, or was made."""

    id: str
    status: str
    progress: int
    credits: int
    prompt: str
    error: str | None = None
    video_url: str | None = None
    file: str | None = None


def server(client: AsyncKinora, allowance: Allowance, folder: Path) -> MCPServer[None]:
    """Return the server. `wait` saves films in the folder. Run it with `server.run("stdio")`."""

    @asynccontextmanager
    async def closing(_: MCPServer[None]) -> AsyncIterator[None]:
        async with client:
            yield

    lifespan: Callable[[MCPServer[None]], AbstractAsyncContextManager[None]] = closing
    made = MCPServer[None](
        "kinora",
        version=__version__,
        instructions="Films from prompts and camera moves: `quote` has prices, `make` submits a film, `wait` saves it.",
        lifespan=lifespan,
        log_level="WARNING",
    )

    @made.tool(annotations=READS)
    async def quote(
        prompt: Prompt,
        preset: Preset = None,
        duration: Duration = None,
        resolution: Resolution = None,
        aspect_ratio: Aspect = None,
        style: Style = None,
    ) -> Price:
        """Return the price of a film in credits, and the words that the painter does not know. Costs nothing."""
        settings: Any = given(duration=duration, resolution=resolution, aspect_ratio=aspect_ratio, style=style)
        try:
            priced = await client.films.quote(prompt, preset=preset, **settings)
        except KinoraError as error:
            raise ToolError(str(error)) from None
        return Price(
            credits=priced.credits,
            balance=priced.balance,
            allowance_left=allowance.credits - allowance.spent,
            not_understood=priced.not_understood,
        )

    @made.tool(annotations=PAYS)
    async def make(
        prompt: Prompt,
        preset: Preset = None,
        duration: Duration = None,
        resolution: Resolution = None,
        aspect_ratio: Aspect = None,
        style: Style = None,
    ) -> Made:
        """Submit a film and return its id at once. It is charged when it completes. Then call `wait`."""
        settings: Any = given(duration=duration, resolution=resolution, aspect_ratio=aspect_ratio, style=style)
        try:
            return shown((await bought(client, allowance, prompt, preset, settings)).job)
        except KinoraError as error:
            raise ToolError(str(error)) from None

    @made.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True))
    async def wait(film_id: FilmId, ctx: Context[None, Any], timeout_seconds: Seconds = 50) -> Made:
        """Wait for a film and save it. If it is not ready in time, its status is RUNNING: call `wait` again."""
        try:
            film = await client.films.get(film_id)
            try:
                async for _ in film.events(timeout=timeout_seconds):
                    await ctx.report_progress(film.progress, 100, film.step)
                await film.wait()
            except WaitTimedOut:
                return shown((await film.refresh()).job)
            except FilmFailed:
                allowance.not_charged(film.id)
                return shown(film.job)
            return shown(film.job, await film.save(folder / f"{film.id}.mp4"))
        except KinoraError as error:
            raise ToolError(str(error)) from None

    @made.tool(name="list", annotations=READS)
    async def list_films(count: Annotated[int, Field(ge=1, le=MAX_LISTED)] = 10) -> list[Made]:
        """List the newest films."""
        found: list[Made] = []
        try:
            async for job in client.jobs.list(limit=count):
                found.append(shown(job))
                if len(found) == count:
                    break
        except KinoraError as error:
            raise ToolError(str(error)) from None
        return found

    return made


async def bought(
    client: AsyncKinora, allowance: Allowance, prompt: str, preset: str | None, settings: Any
) -> AsyncFilm:
    """Submit a film within the allowance. Raise AllowanceUsedUp before the submit."""
    price = (await client.films.quote(prompt, preset=preset, **settings)).credits
    allowance.take(price)
    try:
        film = await client.films.create(prompt, preset=preset, max_credits=price, **settings)
    except ApiError:  # a lost answer is no refusal: the job may exist, so its credits stay reserved
        allowance.give_back(price)
        raise
    allowance.give_back(price - film.job.credits)
    allowance.submitted(film.id, film.job.credits)
    return film


def shown(job: Job, file: Path | None = None) -> Made:
    return Made(
        id=job.id,
        status=job.status,
        progress=job.progress,
        credits=job.credits,
        prompt=job.prompt,
        error=job.error,
        video_url=job.video_url,
        file=str(file.resolve()) if file else None,
    )
