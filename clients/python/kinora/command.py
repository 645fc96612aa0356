"""The `kinora` command.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the key was refused, 4 not found, 5 not enough credits, 6 no connection,
7 some films of a batch failed, 130 interrupted. The module is long because each command is a function.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import typer
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from . import credentials
from .allowance import Allowance
from .async_client import AsyncKinora
from .bars import Mark, Seconds, StageBars
from .batch import Batch, Journal, Row, rows_of
from .client import Kinora
from .errors import (
    ConnectionFailed,
    Forbidden,
    KinoraError,
    NotFound,
    PaymentRequired,
    Unauthorized,
    error_of,
)
from .films import Film
from .model import Model
from .models import Permission
from .settings import LAPTOP

app = typer.Typer(
    no_args_is_help=True,
    help="Make films from sentences and camera moves.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the key was refused, 4 not found, 5 not enough credits, "
    "6 no connection, 7 some films of a batch failed, 130 interrupted.",
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

SCOPES: list[Permission] = [
    "profile:read", "projects:read", "projects:write", "jobs:read", "jobs:write", "assets:read", "assets:write",
    "presets:read", "billing:read", "teams:read",
]  # fmt: skip
INTERRUPTED = 130
C = TypeVar("C")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Preset = Annotated[str | None, typer.Option(help="The camera move, by its id: see `kinora presets`.")]
Duration = Annotated[float | None, typer.Option(help="Seconds.")]
Aspect = Annotated[str | None, typer.Option(help="Aspect ratio of the frame, such as 9:16.")]
Style = Annotated[str | None, typer.Option(help="The painting style, such as oil.")]
Seed = Annotated[int | None, typer.Option(help="The same seed makes the same film.")]
Draft = Annotated[bool, typer.Option("--draft", help="A small, cheaper film.")]
MaxCredits = Annotated[int | None, typer.Option(min=0, help="Make no film whose price is higher than this.")]


class Size(str, Enum):
    """Resolutions, by the short side of the frame."""

    P480 = "480p"
    P720 = "720p"
    P1080 = "1080p"
    P1440 = "1440p"
    K4 = "4k"


Resolution = Annotated[Size | None, typer.Option(help="The short side of the frame.")]


def main() -> None:
    """Run the command, and turn errors into a sentence and an exit code."""
    try:
        app()
    except KinoraError as error:
        err.print(Text(f"✘ {error}", style="red"), soft_wrap=True)
        raise SystemExit(_code(error)) from None


def _code(error: KinoraError) -> int:
    kinds = (((Unauthorized, Forbidden), 3), (NotFound, 4), (PaymentRequired, 5), (ConnectionFailed, 6))
    return next((code for kind, code in kinds if isinstance(error, kind)), 1)


@contextmanager
def _client() -> Iterator[Kinora]:
    """Connect with the key of the environment, or with that of `kinora login`."""
    with _connected(Kinora) as client:
        yield client


def _connected(kind: Callable[[str | None, str | None], C]) -> C:
    """Return a client with the key of the environment, or with that of `kinora login`."""
    key, base_url = credentials.load()
    base = os.environ.get("KINORA_BASE_URL") or base_url
    try:
        return kind(os.environ.get("KINORA_API_KEY") or key, base)
    except KinoraError as error:
        err.print(Text(f"✘ {error} Or run `kinora login`.", style="red"), soft_wrap=True)
        raise typer.Exit(3) from None


def _show(value: Model | Sequence[Model], *, as_json: bool, text: Callable[[], Any]) -> None:
    """Print a value as JSON, or as a text."""
    if not as_json:
        out.print(text(), soft_wrap=True)
    elif isinstance(value, BaseModel):
        print(value.model_dump_json(by_alias=True))  # noqa: T201  # rich would wrap it
    else:
        print(json.dumps([one.model_dump(mode="json", by_alias=True) for one in value]))  # noqa: T201  # the same


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    table = Table(*columns, box=None, padding=(0, 3, 0, 0), header_style="dim")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    return table


@app.command()
def login(
    base_url: Annotated[str, typer.Option(help="The address of the studio.", envvar="KINORA_BASE_URL")] = LAPTOP,
    email: Annotated[str | None, typer.Option(help="Sign in with this address and its password.")] = None,
    key: Annotated[str | None, typer.Option(help="Store this key of the studio instead of signing in.")] = None,
) -> None:
    """Store a key for this computer: in the keyring, or in a file that only you read."""
    base = base_url.rstrip("/")
    if key is None:
        address = email or typer.prompt("Email")
        password = typer.prompt("Password", hide_input=True)
        try:
            answer = httpx.post(f"{base}/api/auth/login", json={"email": address, "password": password}, timeout=60)
        except httpx.HTTPError as error:
            raise ConnectionFailed(f"The studio at {base} does not answer: {error}.") from None
        if answer.is_error:
            raise error_of(answer)
        with Kinora(answer.json()["accessToken"], base) as session:
            key = session.keys.create(name="kinora command", scopes=SCOPES).key
    with Kinora(key, base) as client:
        me = client.account.me()
    out.print(f"Signed in as {me.email}. The key is in {credentials.store(base, key)}.", markup=False)


@app.command()
def make(
    prompt: Annotated[str, typer.Argument(help="What the film shows.")],
    preset: Preset = None,
    image: Annotated[list[str] | None, typer.Option(help="Start from this picture: a path or a URL.")] = None,
    motion: Annotated[str | None, typer.Option(help="Copy the camera of this clip.")] = None,
    audio: Annotated[str | None, typer.Option(help="Add this sound.")] = None,
    captions: Annotated[str | None, typer.Option(help="Draw these captions (.srt).")] = None,
    duration: Duration = None,
    resolution: Resolution = None,
    aspect: Aspect = None,
    style: Style = None,
    seed: Seed = None,
    draft: Draft = False,
    max_credits: MaxCredits = None,
    save: Annotated[Path, typer.Option("--out", help="The file of the film.")] = Path("film.mp4"),
    wait: Annotated[bool, typer.Option(help="Wait for the film, and save it.")] = True,
    as_json: AsJson = False,
) -> None:
    """Make a film and save it."""
    with _client() as client:
        film = client.films.create(
            prompt, preset=preset, image=image, motion=motion, audio=audio, captions=captions,
            max_credits=max_credits, **_settings(duration, resolution, aspect, style, seed, draft=draft),
        )  # fmt: skip
        if not wait:
            _show(film.job, as_json=as_json, text=lambda: film.id)
            return
        err.print(f"{film.id}: {film.job.credits} credits are held.")
        _watched(film)
        path = film.save(save)
        _show(film.job, as_json=as_json, text=lambda: Text(str(path)))


def _settings(
    duration: float | None,
    resolution: Size | None,
    aspect: str | None,
    style: str | None,
    seed: int | None,
    *,
    draft: bool,
) -> Any:
    size = resolution.value if resolution else None
    return {
        "duration": duration, "resolution": size, "aspect_ratio": aspect, "style": style, "seed": seed,
        "draft": draft or None,
    }  # fmt: skip


def _watched(film: Film) -> None:
    """Show the stages until the film ends. At Ctrl-C, ask whether to cancel it."""
    try:
        if err.is_terminal:
            with StageBars(film.job, err) as bars:
                film.wait(on_progress=lambda one: bars.show(one.job))
        else:
            film.wait()
    except KeyboardInterrupt:
        _interrupted([film])


def _interrupted(films: Sequence[Film]) -> None:
    """Ask whether to cancel the films, and end the command. Without a terminal they continue."""
    names = films[0].id if len(films) == 1 else f"{len(films)} films"
    try:
        cancel = sys.stdin.isatty() and typer.confirm(f"\nCancel {names}? Nothing is charged then.", err=True)
    except (KeyboardInterrupt, typer.Abort):
        cancel = False
    for film in films if cancel else ():
        film.cancel()
    followed = "" if len(films) != 1 else f" Follow it with `kinora watch {films[0].id}`."
    err.print(f"{names}: cancelled." if cancel else f"{names}: not cancelled.{followed}")
    raise typer.Exit(INTERRUPTED)


@app.command()
def quote(
    prompt: Annotated[str, typer.Argument(help="What the film shows.")],
    preset: Preset = None,
    duration: Duration = None,
    resolution: Resolution = None,
    aspect: Aspect = None,
    style: Style = None,
    seed: Seed = None,
    draft: Draft = False,
    as_json: AsJson = False,
) -> None:
    """Print the price of a film, and the words of the prompt that the painter does not know."""
    with _client() as client:
        settings = _settings(duration, resolution, aspect, style, seed, draft=draft)
        quoted = client.films.quote(prompt, preset=preset, **settings)
    unknown = f"\nNot understood: {', '.join(quoted.not_understood)}" if quoted.not_understood else ""
    _show(quoted, as_json=as_json, text=lambda: Text(f"{quoted.credits} of {quoted.balance} credits{unknown}"))


@app.command("ls")
def list_films(limit: Annotated[int, typer.Option(help="The number of films.")] = 20, as_json: AsJson = False) -> None:
    """List the newest films."""
    with _client() as client:
        jobs = list(islice(client.jobs.list(limit=min(limit, 100)), limit))
    rows = [(job.id, job.status, f"{job.progress} %", job.credits, job.preset_id, job.prompt[:60]) for job in jobs]
    columns = ("Film", "Status", "", "Credits", "Preset", "Prompt")
    _show(jobs, as_json=as_json, text=lambda: _table(columns, rows))


@app.command()
def watch(film_id: str, as_json: AsJson = False) -> None:
    """Show the stages of a film until it ends. With --json, print each event as a line."""
    with _client() as client:
        film = client.films.get(film_id)
        if as_json:
            try:
                for event in film.events():
                    print(event.model_dump_json(by_alias=True), flush=True)  # noqa: T201  # rich would wrap it
            except KeyboardInterrupt:
                raise typer.Exit(INTERRUPTED) from None
        else:
            _watched(film)
        film.wait()


@app.command()
def get(
    film_id: str,
    save: Annotated[Path | None, typer.Option("--out", help="Download the film into this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a film, or download it."""
    with _client() as client:
        film = client.films.get(film_id)
        if save:
            film.save(save)
        job = film.job
        _show(job, as_json=as_json, text=lambda: Text(f"{job.id} {job.status} {job.progress} %\n{job.video_url or ''}"))


@app.command()
def cancel(film_id: str, as_json: AsJson = False) -> None:
    """Cancel a film. Nothing is charged."""
    with _client() as client:
        job = client.jobs.cancel(film_id)
    _show(job, as_json=as_json, text=lambda: f"{job.id} {job.status}")


@app.command()
def presets(
    category: Annotated[str | None, typer.Option(help="Only presets of this category.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the camera moves."""
    with _client() as client:
        found = list(client.presets.list(category=category))
    rows = [(one.id, one.category, one.description) for one in found]
    _show(found, as_json=as_json, text=lambda: _table(("Preset", "Category", ""), rows))


@app.command()
def upload(files: list[str], as_json: AsJson = False) -> None:
    """Upload files: paths or URLs. Print their ids when the studio has verified them."""
    with _client() as client:
        assets = [client.assets.upload(name) for name in files]
    rows = [(one.id, one.type, one.name) for one in assets]
    _show(assets, as_json=as_json, text=lambda: _table(("Asset", "Type", "Name"), rows))


@app.command()
def batch(
    table: Annotated[Path, typer.Argument(help="A CSV file with a column `prompt`, and one for each setting.")],
    folder: Annotated[Path, typer.Option("--out", help="The folder of the films.")],
    resume: Annotated[bool, typer.Option("--resume", help="Continue the batch of the folder.")] = False,
    parallel: Annotated[int, typer.Option(min=1, max=16, help="Films at the same time.")] = 4,
    as_json: AsJson = False,
) -> None:
    """Make a film for each row of a table. A batch that was stopped continues with --resume: each film is paid once."""
    if not table.is_file():
        raise KinoraError(f"There is no file {table}.")
    rows = rows_of(table)
    running: dict[str, Film] = {}
    with _client() as client:
        journal = Journal.opened(folder, resume=resume, project_id=client.films.project_id)
        columns = (TextColumn(" "), Mark(), TextColumn("{task.description}", markup=False), BarColumn(24), Seconds())
        with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
            bars = {row.id: progress.add_task(row.file_name, total=100, start=False) for row in rows}

            def report(row: Row, film: Film | None, sentence: str) -> None:
                percent = 100 if sentence in {"saved", "exists"} else film.progress if film else 0
                progress.start_task(bars[row.id])
                progress.update(bars[row.id], completed=percent)
                if film:
                    running[film.id] = film
                if sentence:
                    line = {
                        "row": row.number,
                        "file": row.file_name,
                        "job": film.id if film else None,
                        "result": sentence,
                    }
                    text = json.dumps(line) if as_json else f"{row.file_name}: {sentence}"
                    (out if as_json else err).print(text, markup=False, soft_wrap=True)

            try:
                failed = Batch(client, rows, folder, journal).run(parallel=parallel, report=report)
            except KeyboardInterrupt:
                progress.stop()
                _interrupted([film for film in running.values() if not film.ended])
    if failed:
        err.print(f"{failed} of {len(rows)} films failed. `--resume` makes them again.")
        raise typer.Exit(7)


@app.command()
def mcp(
    limit: Annotated[int, typer.Option(min=0, help="The credits that all films of this process may cost together.")],
    folder: Annotated[Path, typer.Option("--out", help="The folder of the films.")] = Path("films"),
) -> None:
    """Serve the tools quote, make, wait and list over the Model Context Protocol, on stdin and stdout."""
    try:
        from .mcp_server import server  # noqa: PLC0415  # the extra `mcp`
    except ModuleNotFoundError as missing:
        raise KinoraError(f"The package {missing.name} is missing: `pip install 'kinora[cli,mcp]'`.") from None
    server(_connected(AsyncKinora), Allowance(limit), folder).run("stdio")
