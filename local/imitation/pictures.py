"""The files of the imitated providers, made without a model: a zoom into the picture, or a card with the prompt."""

from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap

import cv2
import numpy as np

from local.imitation.service import PaidRequest
from workers.media.codecs import FINISHED, ClipWriter
from workers.media.planes import Bytes, from_rgb

FPS = 24
ZOOM = 0.15  # of the whole clip


def make(one: PaidRequest) -> bytes:
    """Return the MP4 of a request with a duration, or the PNG of one without."""
    picture = _picture(one)
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


def _picture(one: PaidRequest) -> Bytes:
    """Return the picture of the request in its size, or a card with the prompt."""
    width, height = one.size
    if one.picture:
        decoded = cv2.imdecode(np.frombuffer(one.picture, np.uint8), cv2.IMREAD_COLOR)
        if decoded is not None:
            return cv2.resize(decoded[:, :, ::-1], (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    down = np.linspace(0, 1, height)[:, None, None]
    card = np.broadcast_to((np.array([40, 60, 110]) + down * 90).astype(np.uint8), (height, width, 3)).copy()
    for n, line in enumerate(wrap(f"imitation of {one.provider}: {one.body.get('prompt', '')}", 44)[:10]):
        cv2.putText(card, line, (width // 16, height // 8 + n * height // 12), cv2.FONT_HERSHEY_SIMPLEX,
                    width / 1400, (240, 240, 240), 2, cv2.LINE_AA)  # fmt: skip
    return card
