"""`python -m local.demo`: start the laptop cloud, make one film through the public API and save it."""

import os
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated, Any
from uuid import uuid4

import typer
from pydantic import ValidationError

from clients.python.kinora import Film, KinoraError
from clients.python.kinora.bars import StageBars
from functions.assets.verification import MAX_BYTES
from functions.jobs.plan import fitted, plan
from functions.jobs.schemas import INPUT_TYPES, JobCreate
from local import terminal
from local.addresses import Addresses, running
from local.cloud import FOLDER, PLANS, laptop_cloud, subscribe
from local.environment import PROVIDER_KEYS
from local.processes import CloudFailed
from local.studio import StudioClient, StudioError, media_type_of, step_seconds
from shared.assets.formats import MEDIA_TYPES, listed
from shared.core.clock import utc_now
from shared.core.errors import AppError
from shared.presets.presets import get_preset
from shared.stages.engines import ENGINES, Engine, Runs
from shared.stages.stages import Role

VERIFICATION_SECONDS = 120.0


app = typer.Typer(add_completion=False)


ROLES = {  # names of the input roles in error messages
    "picture": "a picture",
    "driving": "a video",
    "audio": "a sound",
    "captions": "captions (.srt)",
}
Given = tuple[str, Path]  # a role and its file


@app.command()
def make(
    *,
    prompt: Annotated[str, typer.Option(help="What the film shows.")] = "a lighthouse on a cliff at dusk",
    preset: Annotated[str, typer.Option(help="The camera move, by its id.")] = "crash-zoom-in",
    stack: Annotated[str | None, typer.Option(help="A second move on top of it, by its id.")] = None,
    strength: Annotated[float | None, typer.Option(help="How much of the move, 0 to 1.")] = None,
    image: Annotated[str, typer.Option(help="Start from this picture, or from several, separated by commas.")] = "",
    motion: Annotated[Path | None, typer.Option(help="Copy the camera of this clip.")] = None,
    transfer: Annotated[
        str | None, typer.Option(help="How the clip's camera is copied: handheld, stabilised or exact.")
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="Add this sound to the film.")] = None,
    sound: Annotated[
        str | None, typer.Option(help="What the film sounds like, for --engine elevenlabs-effects.")
    ] = None,
    captions: Annotated[Path | None, typer.Option(help="Draw the captions of this SRT file into the film.")] = None,
    style: Annotated[str | None, typer.Option(help="The painting style, such as oil.")] = None,
    operations: Annotated[str, typer.Option(help="Finishing operations, such as grade:noir,grain,letterbox.")] = "",
    loop: Annotated[bool, typer.Option("--loop", help="Close the camera path, so that the film loops.")] = False,
    aspect: Annotated[
        str | None, typer.Option(help="Aspect ratio of the frame. Default: that of the first picture, or 16:9.")
    ] = None,
    duration: Annotated[
        float | None, typer.Option(help="Seconds. Default: 5, or the nearest duration that the move supports.")
    ] = None,
    resolution: Annotated[str, typer.Option(help="720p, 1080p, 1440p or 4k.")] = "1080p",
    fps: Annotated[int | None, typer.Option(help="Frames per second: 24, 25 or 30.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same film.")] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Paint a picture also if the painter knows no word of the prompt.")
    ] = False,
    engine: Annotated[
        str | None,
        typer.Option(
            help="A provider's engine, or the beginning of its name: runway, fal-pika. Without its key: imitated."
        ),
    ] = None,
    plan: Annotated[
        str, typer.Option(help="FREE, PRO or ENTERPRISE. Films of the FREE plan are watermarked.")
    ] = "FREE",
    out: Annotated[Path, typer.Option(help="File of the film; the poster is saved beside it.")] = Path(
        "build/demo/clip.mp4"
    ),
) -> None:
    """Make a film on this machine: no account, no key, no GPU."""
    chosen = {
        "aspectRatio": aspect,
        "resolution": resolution,
        "duration": duration,
        "fps": fps,
        "seed": seed,
        "style": style,
        "strength": strength,
        "stack": {"presetId": stack} if stack else None,
        "operations": _listed(operations) or None,
        "soundPrompt": sound,
        "loop": loop or None,
        "transfer": transfer,
        "allowUnrelatedPicture": anyway or None,
    }
    settings = {name: value for name, value in chosen.items() if value is not None}
    remote = None
    job = {"prompt": prompt, "presetId": preset, "settings": settings}
    single = (("driving", motion), ("audio", audio), ("captions", captions))
    files = [("picture", Path(name)) for name in ([image] if Path(image).is_file() else _listed(image))]
    files += [(role, path) for role, path in single if path is not None]
    try:
        if engine:
            remote = _named(engine)
            settings["engines"] = {remote.stage.value: remote.name}
        _check(files, out)
        _check_job(job, [role for role, _ in files], plan)
        terminal.title(prompt, " · ".join(filter(None, (preset, aspect, resolution, remote.name if remote else None))))
        _run(job, files, out, plan, remote)
    except (StudioError, CloudFailed) as error:
        terminal.failure(str(error))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        terminal.note("Stopped.\n")
        raise typer.Exit(130) from None


def _named(name: str) -> Engine:
    """Return the remote engine with this name, or the first whose name begins so. Raise StudioError."""
    remote = [entry for entry in ENGINES if entry.runs is Runs.REMOTE]
    for entry in sorted(remote, key=lambda one: one.name != name):
        if entry.name.startswith(name):
            return entry
    raise StudioError(f"No provider's engine is called {name}; there are {', '.join(one.name for one in remote)}.")


def _has_key(entry: Engine) -> bool:
    return bool(os.environ.get(PROVIDER_KEYS[str(entry.key)]))


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _check(files: Sequence[Given], out: Path) -> None:
    """Check the files before the cloud starts. Raise StudioError."""
    for role, path in files:
        if not path.is_file():
            raise StudioError(f"There is no file {path}.")
        if path.stat().st_size == 0:
            raise StudioError(f"{path} is empty.")
        kind = INPUT_TYPES[Role(role)]
        if media_type_of(path) not in MEDIA_TYPES[kind]:
            raise StudioError(f"{path} is not {ROLES[role]} in {listed(kind)}: its name has another media type.")
        if path.stat().st_size > MAX_BYTES:
            raise StudioError(f"{path} is larger than {MAX_BYTES / 2**20:.0f} MB.")
    if out.suffix.lower() != ".mp4":
        raise StudioError(f"The film is an MP4: {out} should end in .mp4.")
    if out.is_dir():
        raise StudioError(f"{out} is a folder.")


def _check_job(job: dict[str, Any], roles: Sequence[str], plan_name: str) -> None:
    """Check prompt, presets and settings as the API does, before the cloud starts. Raise StudioError."""
    if plan_name not in PLANS:
        raise StudioError(f"There is no plan called {plan_name}; there are {', '.join(PLANS)}.")
    inputs = [{"role": role, "assetId": "ast_demo"} for role in roles]
    try:
        body = JobCreate.model_validate({**job, "projectId": "prj_demo", "inputs": inputs})
        move, stacked = get_preset(body.preset_id).config, body.settings.stack
        if stacked:
            move = move.with_stacked(get_preset(stacked.preset_id).config, stacked.weight)
        plan(
            fitted(body.settings, move, None),
            move,
            frozenset(map(Role, roles)),
            ENGINES,
            prompt=body.prompt,
            at=utc_now(),
        )
    except ValidationError as invalid:
        first = invalid.errors()[0]
        raise StudioError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
    except AppError as refused:
        raise StudioError(refused.detail) from None
    except ValueError as error:  # of `with_stacked`
        raise StudioError(f"These two presets cannot be stacked: {error}.") from None


def _run(job: dict[str, Any], files: Sequence[Given], out: Path, plan: str, remote: Engine | None) -> None:
    imitates_providers = remote is not None and not _has_key(remote)
    if imitates_providers:
        terminal.note("The provider is an imitation on this machine: no model makes this clip.")
    with ExitStack() as stack:
        cloud = _running(remote, imitates_providers=imitates_providers)
        if cloud is None:
            with terminal.waiting("Starting the laptop cloud", "Laptop cloud is running"):
                cloud = stack.enter_context(laptop_cloud(imitates_providers=imitates_providers))
        studio = stack.enter_context(closing(StudioClient(cloud.api_url, cloud.socket_url, cloud.outbox_url)))
        with terminal.waiting("Signing in", "Signed in, project created"):
            studio.sign_up(f"creator-{uuid4().hex[:8]}@example.com", uuid4().hex)
            if plan != "FREE":
                subscribe(cloud, studio.me()["id"], plan)
            studio.preset(job["presetId"])
            project_id = studio.create_project("Demo")
        _make(studio, {**job, "projectId": project_id}, files, out)


def _running(remote: Engine | None, *, imitates_providers: bool) -> Addresses | None:
    """Return the cloud of `make dev`, if it runs and calls the same providers."""
    cloud = running(FOLDER)
    if cloud is None or (remote and not (imitates_providers and cloud.providers_url)):
        return None
    terminal.done(f"The laptop cloud at {cloud.api_url} is running")
    return cloud


def _make(studio: StudioClient, job: dict[str, Any], files: Sequence[Given], out: Path) -> None:
    inputs = []
    for role, path in files:
        with terminal.waiting(f"Uploading {path.name}", f"{path.name} uploaded and verified"):
            inputs.append({"role": role, "assetId": _uploaded(studio, path)})
    submitted = studio.submit({**job, "inputs": inputs})
    terminal.done(f"Job submitted, {submitted['credits']} credits held")
    terminal.words(submitted)
    try:
        _watch(studio.film(submitted["id"]))
    except KeyboardInterrupt:
        studio.cancel(submitted["id"])
        terminal.note("Cancelled; the credits are released.\n")
        raise typer.Exit(130) from None
    finished = studio.job(submitted["id"])
    poster = out.with_suffix(".jpg")
    studio.download(finished["videoUrl"], out)
    studio.download(finished["posterUrl"], poster)
    terminal.results(finished, step_seconds(finished), [(str(out), _size(out)), (str(poster), _size(poster))])


def _uploaded(studio: StudioClient, path: Path) -> str:
    """Upload a file, wait until its asset is READY and return the asset's id. Raise StudioError."""
    asset_id = studio.begin_upload(path)
    deadline = monotonic() + VERIFICATION_SECONDS
    while monotonic() < deadline:
        asset = studio.asset(asset_id)
        if asset["status"] == "READY":
            return asset_id
        if asset["status"] == "REJECTED":
            raise StudioError(f"{path.name} was refused: {asset['error']}")
        sleep(0.1)
    raise StudioError(f"{path.name} was not verified in {VERIFICATION_SECONDS:.0f} seconds.")


def _watch(film: Film) -> None:
    """Show the job's progress until it ends. Raise StudioError unless it is COMPLETED."""
    with StageBars(film.job, terminal.console) as bars:
        try:
            film.wait(on_progress=lambda one: bars.show(one.job))
        except KinoraError as error:
            raise StudioError(str(error)) from None


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"


if __name__ == "__main__":
    app()
