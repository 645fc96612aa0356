"""`python -m tools.gallery OUT`: make films of many prompts and presets in the laptop cloud, and one contact sheet."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from uuid import uuid4

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from rich.progress import track

from local.cloud import laptop_cloud
from local.studio import StudioClient
from workers.media.codecs import read_planes
from workers.media.planes import to_rgb

# Prompt, preset, aspect ratio, seed.
FILMS: tuple[tuple[str, str, str, int], ...] = (
    ("a lighthouse on a cliff at dusk", "crash-zoom-in", "16:9", 11),
    ("neon city street in the rain at night", "dolly-in", "16:9", 2),
    ("snowy mountains under a clear sky", "crane-up", "16:9", 3),
    ("misty pine forest at dawn", "truck-left", "16:9", 4),
    ("desert dunes at golden hour", "orbit-right", "16:9", 5),
    ("a ringed planet and a nebula in deep space", "dolly-zoom-in", "16:9", 6),
    ("stormy sea with lightning", "handheld", "16:9", 7),
    ("calm lake with aurora and a cabin", "tilt-up", "16:9", 8),
    ("spring meadow, watercolour", "pan-right", "16:9", 9),
    ("canyon river with hot air balloons at sunset", "fpv-drone", "16:9", 10),
    ("tropical island at noon", "orbit-left", "16:9", 12),
    ("a volcano erupting at night", "dolly-out", "16:9", 13),
    ("icebergs in arctic light", "crane-down", "16:9", 14),
    ("vaporwave city skyline", "yo-yo-zoom", "16:9", 15),
    ("autumn forest path, oil painting", "dolly-in", "16:9", 16),
    ("a castle on a hill in the fog", "dolly-zoom-out", "16:9", 17),
    ("moonlit coast with a sailing boat", "truck-right", "16:9", 18),
    ("green valley with a village, poster", "hyperlapse", "16:9", 19),
    ("film noir street at night", "dutch-angle", "16:9", 20),
    ("winter lake in the blue hour", "focus-change", "16:9", 21),
    ("red desert mesa under stars", "tilt-down", "16:9", 22),
    ("rainy harbour town", "whip-pan", "16:9", 23),
    ("a dragon eating soup", "crash-zoom-out", "16:9", 24),
    ("golden clouds over the sea", "static", "16:9", 25),
)
TILE = (320, 180)


def make(
    out: Annotated[Path, typer.Argument(help="File of the contact sheet (.jpg).")] = Path("docs/gallery/prompts.jpg"),
    films: Annotated[int, typer.Option(help="Number of films from the list.")] = len(FILMS),
) -> None:
    """Make the films in 720p and show the first, middle and last frame of each."""
    with (
        laptop_cloud() as cloud,
        TemporaryDirectory(prefix="kinora-gallery-") as folder,
        closing(StudioClient(cloud.api_url, cloud.socket_url, cloud.outbox_url)) as studio,
    ):
        rows = [_row(studio, film, Path(folder)) for film in track(FILMS[:films])]
    pairs = [np.hstack(rows[i : i + 2]) for i in range(0, len(rows) - len(rows) % 2, 2)]
    out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(out), cv2.cvtColor(np.vstack(pairs), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 78])


def _row(studio: StudioClient, film: tuple[str, str, str, int], folder: Path) -> NDArray[np.uint8]:
    prompt, preset, aspect, seed = film
    studio.sign_up(f"{uuid4().hex}@example.com", uuid4().hex)  # a new user's credits are not enough for all films
    settings: dict[str, Any] = {"aspectRatio": aspect, "duration": 3, "resolution": "720p", "seed": seed}
    settings["allowUnrelatedPicture"] = True  # of a prompt without a known word
    job = studio.submit(
        {"projectId": studio.create_project(prompt), "prompt": prompt, "presetId": preset, "settings": settings}
    )
    for _ in studio.events(job["id"]):
        pass
    path = folder / f"{seed}.mp4"
    studio.download(studio.job(job["id"])["videoUrl"], path)
    frames = [to_rgb(planes) for planes in read_planes(path)]
    tiles = [cv2.resize(frames[i], TILE, interpolation=cv2.INTER_AREA) for i in (0, len(frames) // 2, -1)]
    caption = np.full((28, TILE[0] * 3, 3), 24, np.uint8)
    cv2.putText(
        caption, f"{prompt}  -  {preset}", (8, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (230, 230, 230), 1, cv2.LINE_AA
    )
    row: NDArray[np.uint8] = np.vstack([np.hstack(tiles), caption]).astype(np.uint8)
    return row


if __name__ == "__main__":
    typer.run(make)
