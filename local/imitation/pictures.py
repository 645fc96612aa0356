"""The files of the imitated providers, made without a model: a zoom into a picture, its layers, or a text card."""

from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap

import av
import cv2
import numpy as np

from local.imitation.service import PaidRequest
from workers.media.codecs import FINISHED, ClipWriter
from workers.media.planes import Bytes, as_floats, from_rgb
from workers.renderer.cutout import cut

FPS = 24
SOUND_RATE, SOUND_FRAME = 44_100, 1152  # samples a second, and samples of one encoded frame
CHORD_HERTZ = (220.0, 277.2, 329.6)
LAYER_SIDE = 1024  # longer side of a layer, in pixels
ZOOM = 0.15  # of the whole clip


def make(one: PaidRequest) -> bytes:
    """Return the MP3, the MP4, the PNG or, of a request with several files, the layer that a request asks for."""
    if one.sound:
        return sound_of(one.seconds)
    if one.picture and "videoUri" in one.body:
        return one.picture  # a clip that a model would make better
    picture = _picture(one)
    if one.files > 1:
        return layer_of(picture, one.file)
    if not one.seconds:
        return bytes(cv2.imencode(".png", picture[:, :, ::-1])[1])
    with TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        width, height = one.size
        frames = round(one.seconds * FPS)
        with ClipWriter(path, width, height, FPS, FINISHED) as writer:
            for n in range(frames):
                scale = 1 if one.still else 1 + ZOOM * n / frames
                zoomed = cv2.getRotationMatrix2D((width / 2, height / 2), 0, scale)
                writer.write(from_rgb(cv2.warpAffine(picture, zoomed, (width, height)).astype(np.uint8)))
        return path.read_bytes()


def sound_of(seconds: float) -> bytes:
    """Return an MP3 with a soft chord."""
    at = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    chord = np.sin(2 * np.pi * np.outer(CHORD_HERTZ, at)).sum(axis=0) * 0.1
    content = BytesIO()
    with av.open(content, "w", "mp3") as file:
        track = file.add_stream("mp3", SOUND_RATE, layout="mono")
        for start in range(0, len(at), SOUND_FRAME):
            samples = np.ascontiguousarray(chord[None, start : start + SOUND_FRAME], np.float32)
            frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
            frame.sample_rate, frame.pts = SOUND_RATE, start
            file.mux(track.encode(frame))
        file.mux(track.encode())
    return content.getvalue()


def layer_of(picture: Bytes, number: int) -> bytes:
    """Return a layer as PNG: the foreground at the bottom, the subject in the middle, or the background."""
    height, width = picture.shape[:2]
    down, across = np.mgrid[0:height, 0:width].astype(np.float32) / np.float32(height)
    foreground = np.clip((down - 0.8) * 20, 0, 1)
    subject = np.clip((1 - np.hypot((across - width / height / 2) / 0.22, (down - 0.55) / 0.3)) * 8, 0, 1)
    if number < 2:
        cover = (foreground, subject)[number]
        return bytes(cv2.imencode(".png", np.dstack([picture[:, :, ::-1], np.rint(cover * 255).astype(np.uint8)]))[1])
    background, _ = cut(picture, as_floats(np.maximum(foreground, subject)), 0)
    return bytes(cv2.imencode(".png", background[:, :, ::-1])[1])


def _picture(one: PaidRequest) -> Bytes:
    """Return the picture of the request in its size, or a card with the prompt."""
    width, height = one.size
    if one.picture:
        decoded = cv2.imdecode(np.frombuffer(one.picture, np.uint8), cv2.IMREAD_COLOR)
        if decoded is not None and one.files > 1:  # layers have the shape of the picture
            scale = LAYER_SIDE / max(decoded.shape)
            return cv2.resize(decoded[:, :, ::-1], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(
                np.uint8
            )
        if decoded is not None:
            return cv2.resize(decoded[:, :, ::-1], (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    down = np.linspace(0, 1, height)[:, None, None]
    card = np.broadcast_to((np.array([40, 60, 110]) + down * 90).astype(np.uint8), (height, width, 3)).copy()
    for n, line in enumerate(wrap(f"imitation of {one.provider}: {one.body.get('prompt', '')}", 44)[:10]):
        cv2.putText(card, line, (width // 16, height // 8 + n * height // 12), cv2.FONT_HERSHEY_SIMPLEX,
                    width / 1400, (240, 240, 240), 2, cv2.LINE_AA)  # fmt: skip
    return card
