"""`python -m local.demo`: starts the laptop cloud, makes one film through the public API, and saves it."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated, Any
from uuid import uuid4

import typer

from local import terminal
from local.cloud import laptop_cloud, subscribe
from local.processes import CloudFailed
from local.studio import StudioClient, StudioError, media_type_of, step_seconds

VERIFICATION_SECONDS = 120.0


app = typer.Typer(add_completion=False)


ROLES = {  # what a creator may bring, by the kind of file that it is
    "picture": ("image", "a picture"),
    "driving": ("video", "a video"),
    "audio": ("audio", "a sound"),
    "captions": ("application/x-subrip", "captions (.srt)"),
}
Given = tuple[str, Path]  # a role and its file


@app.command()
def make(
    *,
    prompt: Annotated[str, typer.Option(help="What the film shows.")] = "a lighthouse on a cliff at dusk",
    preset: Annotated[str, typer.Option(help="The camera move, by its id.")] = "crash-zoom-in",
    stack: Annotated[str | None, typer.Option(help="A second move on top of it, by its id.")] = None,
    strength: Annotated[float | None, typer.Option(help="How much of the move, 0 to 1.")] = None,
    image: Annotated[str, typer.Option(help="Start from this picture, or lead over these, comma between.")] = "",
    motion: Annotated[Path | None, typer.Option(help="Copy the camera of this clip.")] = None,
    transfer: Annotated[str | None, typer.Option(help="How: handheld, stabilised or exact.")] = None,
    audio: Annotated[Path | None, typer.Option(help="Lay this sound under the film.")] = None,
    captions: Annotated[Path | None, typer.Option(help="Draw these captions, an SRT file, into the film.")] = None,
    style: Annotated[str | None, typer.Option(help="How it is painted, such as oil.")] = None,
    operations: Annotated[str, typer.Option(help="How it is finished: grade:noir,grain,letterbox.")] = "",
    loop: Annotated[bool, typer.Option("--loop", help="The last frame leads into the first.")] = False,
    aspect: Annotated[str, typer.Option(help="Shape of the frame.")] = "16:9",
    duration: Annotated[float | None, typer.Option(help="Seconds; without it, 5 or what the move takes.")] = None,
    resolution: Annotated[str, typer.Option(help="720p, 1080p, 1440p or 4k.")] = "1080p",
    fps: Annotated[int | None, typer.Option(help="Frames a second: 24, 25 or 30.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same film.")] = None,
    plan: Annotated[str, typer.Option(help="FREE, PRO or ENTERPRISE: a FREE film bears our mark.")] = "FREE",
    out: Annotated[Path, typer.Option(help="Where the film is saved; its poster lies beside it.")] = Path(
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
        "loop": loop or None,
        "transfer": transfer,
    }
    settings = {name: value for name, value in chosen.items() if value is not None}
    job = {"prompt": prompt, "presetId": preset, "settings": settings}
    single = (("driving", motion), ("audio", audio), ("captions", captions))
    files = [("picture", Path(name)) for name in ([image] if Path(image).is_file() else _listed(image))]
    files += [(role, path) for role, path in single if path is not None]
    try:
        _check(files, out)
        terminal.title(prompt, f"{preset} · {aspect} · {resolution}")
        _run(job, files, out, plan)
    except (StudioError, CloudFailed) as error:
        terminal.failure(str(error))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        terminal.note("Stopped.\n")
        raise typer.Exit(130) from None


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _check(files: Sequence[Given], out: Path) -> None:
    """What can be known before anything is started. Raises StudioError."""
    for role, path in files:
        if not path.is_file():
            raise StudioError(f"There is no file {path}.")
        if path.stat().st_size == 0:
            raise StudioError(f"{path} is empty.")
        wanted, named = ROLES[role]
        if not media_type_of(path).startswith(wanted):
            raise StudioError(f"{path} is not {named}, judging by its name.")
    if out.suffix.lower() != ".mp4":
        raise StudioError(f"The film is an MP4: {out} should end in .mp4.")
    if out.is_dir():
        raise StudioError(f"{out} is a folder.")


def _run(job: dict[str, Any], files: Sequence[Given], out: Path, plan: str) -> None:
    with ExitStack() as stack:
        with terminal.waiting("Starting the laptop cloud", "Laptop cloud is running"):
            cloud = stack.enter_context(laptop_cloud())
        studio = stack.enter_context(closing(StudioClient(cloud.api_url, cloud.socket_url)))
        with terminal.waiting("Signing in", "Signed in, project created"):
            studio.sign_up("creator@example.com", uuid4().hex)
            if plan != "FREE":
                subscribe(cloud, studio.me()["id"], plan)
            studio.preset(job["presetId"])
            project_id = studio.create_project("Demo")
        _make(studio, {**job, "projectId": project_id}, files, out)


def _make(studio: StudioClient, job: dict[str, Any], files: Sequence[Given], out: Path) -> None:
    inputs = []
    for role, path in files:
        with terminal.waiting(f"Uploading {path.name}", f"{path.name} uploaded and verified"):
            inputs.append({"role": role, "assetId": _uploaded(studio, path)})
    submitted = studio.submit({**job, "inputs": inputs})
    terminal.done(f"Job submitted, {submitted['credits']} credits held")
    try:
        _watch(studio, submitted)
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
    """The id of the asset once it is READY."""
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


def _watch(studio: StudioClient, job: dict[str, Any]) -> None:
    """Show the job's bars until it is COMPLETED. Raises StudioError when it is not."""
    with terminal.StageBars(job["steps"]) as bars:
        for event in studio.events(job["id"]):
            bars.show(event)
    ended = studio.job(job["id"])
    if ended["status"] != "COMPLETED":
        raise StudioError(ended["error"] or f"The job ended {ended['status']}.")


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"


if __name__ == "__main__":
    app()
