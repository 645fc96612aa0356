"""Rendering and encoding against peers, the camera-path estimate, and a worker's memory."""

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg
import numpy as np

from bench.measure import Measure, alone, faster, interleaved
from shared.camera.lowerings import FAR
from shared.camera.move import CameraMove, Keyframe
from shared.stages.requests import ImageGenerationJob, PostProcessingJob
from workers.engines.contract import Workspace
from workers.engines.image_generation.procedural import Procedural
from workers.engines.post_processing.finish import Finish
from workers.media import pictures
from workers.media.codecs import FINISHED, ClipWriter, read_planes
from workers.media.depth import read_depth
from workers.media.planes import Planes
from workers.motion.camera_path import estimate, tracked
from workers.motion.projection import Frame, Raster, rays
from workers.renderer.shoot import Shot, shoot

WIDTH, HEIGHT, FPS, FRAMES, CRF = 1920, 1080, 24, 120, 20
MOVE = CameraMove(keyframes=(Keyframe(at=0, truck=-0.5), Keyframe(at=1, truck=0.5)))
PEERS = Path(__file__).parent / "peers"


def measures(folder: Path) -> list[Measure]:
    """Return all measures of this module. Files are written below `folder`."""
    picture, depth = painted(folder)
    film = folder / "ours.mp4"
    return [
        *_rendering(picture, depth, film, folder),
        *_encoding(film, folder),
        _camera_path(film),
        _memory(picture, depth, folder),
    ]


def render(picture: Path, depth: Path, out: Path, *, frames: int, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Render a film from a picture and its depth, with a move that shows parallax."""
    rgb = pictures.read(picture)
    poses = [MOVE.sample(i / (frames - 1)) for i in range(frames)]
    with ClipWriter(out, width, height, FPS, FINISHED) as writer:
        for planes in shoot(rgb, read_depth(depth), poses, width=width, height=height, fps=FPS):
            writer.write(planes)


def finish(clip: Path) -> None:
    """Finish a film with the standard outputs and some operations."""
    request = PostProcessingJob(
        job_id="bench", user_id="bench", video_url=str(clip), width=1280, height=720, seed=11,
        operations=("stabilise", "denoise", "grade", "vignette", "loop", "watermark"),
    )  # fmt: skip
    with TemporaryDirectory(dir=clip.parent) as folder:
        Finish().run(request, Workspace(Path(folder), fetch=Path, progress=lambda _fraction: None))


def painted(folder: Path) -> tuple[Path, Path]:
    """Paint a picture, and return the files of it and of its depth. `scenery.zip` is beside them."""
    request = ImageGenerationJob(
        job_id="bench", user_id="bench", prompt="a lighthouse on a cliff at dusk", aspect_ratio="16:9",
        width=2304, height=1296, seed=11,
    )  # fmt: skip
    Procedural().run(request, Workspace(folder, fetch=Path, progress=lambda _fraction: None))
    return folder / "picture.png", folder / "depth.png"


def _rendering(picture: Path, depth: Path, film: Path, folder: Path) -> list[Measure]:
    theirs = folder / "moviepy.mp4"
    zoompan = (
        f"-y -loop 1 -i {picture} -vf zoompan=z=1+0.003*on:x=iw/2-iw/zoom/2:y=ih/2-ih/zoom/2"
        f":d={FRAMES}:s={WIDTH}x{HEIGHT}:fps={FPS} -frames:v {FRAMES} {_x264()} {folder / 'zoompan.mp4'}"
    )
    moviepy = [
        sys.executable, "-m", "uv", "run", "-q", "--isolated", "--no-project", "--python", sys.executable,
        "--with", "moviepy>=2.2", "--with", "opencv-python-headless", "python", str(PEERS / "moviepy_parallax.py"),
        str(picture), str(depth), str(_path(picture, depth, folder)), str(theirs), str(CRF),
    ]  # fmt: skip
    seconds = interleaved(
        {
            "ours": lambda: render(picture, depth, film, frames=FRAMES),
            "zoompan": lambda: _ffmpeg(zoompan),
            "moviepy": lambda: float(_run(moviepy)),
        }
    )
    return [
        faster("render_vs_moviepy", seconds["ours"], seconds["moviepy"], "moviepy, same effect", frames=FRAMES),
        alone("render_likeness_to_moviepy", _ssim(film, f"-i {theirs}"), "SSIM"),
        faster("render_vs_zoompan", seconds["ours"], seconds["zoompan"], "ffmpeg zoompan", frames=FRAMES),
    ]


def _path(picture: Path, depth: Path, folder: Path) -> Path:
    """Write the part of the picture that each frame shows, for the peer to follow. The move has no rotation."""
    rgb, poses = pictures.read(picture), [MOVE.sample(i / (FRAMES - 1)) for i in range(FRAMES)]
    shot = Shot(rgb, read_depth(depth), WIDTH, HEIGHT, FPS)
    shot.prepare(poses)
    unit = Frame.of(WIDTH, HEIGHT).unit
    x, y = (np.array([0.5 - size / 2, 1.5 - size / 2], np.float32) / np.float32(unit) for size in (WIDTH, HEIGHT))
    frames = []
    for i, pose in enumerate(poses):
        samples = Raster.of(rgb.shape, unit * rgb.shape[1] / WIDTH)
        beams = rays(shot.view(pose, i / FPS), shot.cover, x, y, samples)
        column, following = beams.start_x.tolist()
        row, slope = float(beams.start_y[0]), float(beams.slope_x[0])
        frames.append({"column": column, "row": row, "slope": slope, "scale": following - column})
    path = folder / "path.json"
    path.write_text(json.dumps({"far": FAR, "frames": frames}))
    return path


def _encoding(film: Path, folder: Path) -> list[Measure]:
    """Encode the same frames with the same settings by ClipWriter and by the ffmpeg command."""
    frames = [Planes(*(plane.copy() for plane in planes)) for planes in read_planes(film)]
    raw, ours, theirs = folder / "frames.yuv", folder / "encoded.mp4", folder / "peer.mp4"
    with raw.open("wb") as file:
        for planes in frames:
            file.write(b"".join(plane.tobytes() for plane in planes))
    source = f"-f rawvideo -pix_fmt yuv420p -s {WIDTH}x{HEIGHT} -r {FPS} -i {raw}"

    def write() -> None:
        with ClipWriter(ours, WIDTH, HEIGHT, FPS, FINISHED) as writer:
            for planes in frames:
                writer.write(planes)

    seconds = interleaved({"ours": write, "ffmpeg": lambda: _ffmpeg(f"-y {source} {_x264()} {theirs}")})
    likeness = [_ssim(path, source) for path in (ours, theirs)]
    sizes = [path.stat().st_size for path in (ours, theirs)]
    raw.unlink()
    return [
        faster("encode_vs_ffmpeg", seconds["ours"], seconds["ffmpeg"], "ffmpeg command", frames=len(frames)),
        Measure("encode_ssim", likeness[0], likeness[1], "ffmpeg command", round(likeness[0] / likeness[1], 4), "SSIM"),
        Measure("encode_bytes", sizes[0], sizes[1], "ffmpeg command", round(sizes[1] / sizes[0], 3), "bytes"),
    ]


def _camera_path(film: Path) -> Measure:
    """Measure the camera-path estimate, including scaling to the tracked size and excluding decoding."""
    frames = [Planes(*(plane.copy() for plane in planes)) for planes in read_planes(film)]
    seconds = interleaved({"path": lambda: (estimate(tracked(frames)), None)[1]})["path"]
    return alone("camera_path_ms", 1000 * seconds / len(frames), "ms/frame")


def _memory(picture: Path, depth: Path, folder: Path) -> Measure:
    """Compare the peak memory of processes that render and finish 60 s and 5 s of film (720p)."""
    peaks = []
    for seconds in (5, 60):
        code = (
            "from pathlib import Path; from bench.media import render, finish; "
            f"render(Path({str(picture)!r}), Path({str(depth)!r}), Path({str(folder / 'long.mp4')!r}), "
            f"frames={seconds * FPS}, width=1280, height=720); finish(Path({str(folder / 'long.mp4')!r})); "
            "from resource import *; print(getrusage(RUSAGE_SELF).ru_maxrss)"
        )
        peaks.append(float(_run([sys.executable, "-c", code])))
    return alone("worker_memory_60s_over_5s", peaks[1] / peaks[0], "ratio")


def _x264() -> str:
    keyint = round(FINISHED.keyframe_seconds * FPS)
    return (
        f"-c:v libx264 -preset {FINISHED.preset} -crf {CRF} -pix_fmt yuv420p "
        f"-x264-params keyint={keyint}:min-keyint={keyint}:scenecut=0:open-gop=0 -movflags +faststart"
    )


def _ffmpeg(arguments: str) -> None:
    _run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *arguments.split()])


def _ssim(path: Path, source: str) -> float:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *f"-i {path} {source} -lavfi [0][1]ssim -f null -".split()]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stderr  # noqa: S603  # our own command
    found = re.findall(r"All:([0-9.]+)", output)
    return float(found[-1])


def _run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  # our own command
