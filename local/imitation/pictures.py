"""The files of the imitated providers, made without a model: a zoom into a picture, its layers, or a text card."""

from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap

import cv2
import numpy as np

from local.imitation.service import PaidRequest
from workers.media.codecs import FINISHED, ClipWriter
from workers.media.planes import Bytes, from_rgb

FPS = 24
LAYER_SIDE = 1024  # longer side of a layer, in pixels
ZOOM = 0.15  # of the whole clip


def make(one: PaidRequest) -> bytes:
    """Return the MP4 of a request with a duration, a layer of one with several files, or the PNG of another one."""
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


def layer_of(picture: Bytes, number: int) -> bytes:
    """Return a layer as PNG: the foreground at the bottom, the subject in the middle, or the background without both.

    What they hide is filled with the blurred picture.
    """
    height, width = picture.shape[:2]
    down, across = np.mgrid[0:height, 0:width].astype(np.float32) / np.float32(height)
    foreground = np.clip((down - 0.8) * 20, 0, 1)
    subject = np.clip((1 - np.hypot((across - width / height / 2) / 0.22, (down - 0.55) / 0.3)) * 8, 0, 1)
    if number < 2:
        cover = (foreground, subject)[number]
        return bytes(cv2.imencode(".png", np.dstack([picture[:, :, ::-1], np.rint(cover * 255).astype(np.uint8)]))[1])
    hidden = np.maximum(foreground, subject)[..., None]
    seen = cv2.GaussianBlur(picture * (1 - hidden), (0, 0), height / 8)
    share = cv2.GaussianBlur(1 - hidden[..., 0], (0, 0), height / 8)[..., None]
    filled = picture * (1 - hidden) + hidden * seen / np.maximum(share, 1e-3)
    return bytes(cv2.imencode(".png", np.rint(filled[:, :, ::-1]).astype(np.uint8))[1])


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
