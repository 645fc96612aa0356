"""Swin2SR, a trained model that doubles the sides of a picture (Conde et al. 2022, arXiv 2209.11345). It imports torch.

A picture is enlarged in tiles, because its memory grows with their area. A tile is enlarged with a margin around it,
which is cut off again. Tiles begin at multiples of the model's windows, so that these lie as in the whole picture.
"""

import os
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # read when the hub's library is imported: loading never asks a hub

import numpy as np
import torch
from transformers import Swin2SRForImageSuperResolution

from shared.observability import logger
from shared.stages.failures import StageFailure
from workers.media.planes import Bytes, as_bytes

_WINDOW = 8  # pixels
_SIDES = (512, 256, 128, 64)  # of the tiles in pixels, after each lack of memory. Multiples of the windows
_MARGIN = 32  # pixels, a multiple of the windows


class Enlarger:
    """A loaded model. A call returns an RGB picture with doubled sides."""

    def __init__(self, folder: Path) -> None:
        self._sides = list(_SIDES)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        model: Any = Swin2SRForImageSuperResolution.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True
        )
        self._model = model.eval().to(self._device)  # in fp32: bf16 has fewer steps than a picture
        torch.set_float32_matmul_precision("high")

    def __call__(self, rgb: Bytes) -> Bytes:
        """Return the picture with doubled sides. Raise StageFailure `out_of_memory` if the smallest tiles do not fit.

        Smaller tiles are kept for later pictures.
        """
        while True:
            try:
                return self._tiled(rgb, self._sides[0])
            except torch.OutOfMemoryError as error:
                if len(self._sides) == 1:
                    raise StageFailure("out_of_memory", "The GPU had too little memory for this size.") from error
                self._sides.pop(0)
                logger.warning("out of memory", tiles=self._sides[0])
                torch.cuda.empty_cache()

    def _tiled(self, rgb: Bytes, side: int) -> Bytes:
        rows, columns = rgb.shape[:2]
        rgb = np.pad(rgb, ((0, -rows % _WINDOW), (0, -columns % _WINDOW), (0, 0)), "edge")  # to whole windows
        height, width = rgb.shape[:2]
        made = np.empty((2 * height, 2 * width, 3), np.uint8)
        for top in range(0, height, side):
            for left in range(0, width, side):
                first, begin = max(0, top - _MARGIN), max(0, left - _MARGIN)
                tile = self._enlarged(rgb[first : top + side + _MARGIN, begin : left + side + _MARGIN])
                place = made[2 * top : 2 * (top + side), 2 * left : 2 * (left + side)]
                down, right = 2 * (top - first), 2 * (left - begin)
                place[:] = tile[down : down + place.shape[0], right : right + place.shape[1]]
        return made[: 2 * rows, : 2 * columns]

    def _enlarged(self, rgb: Bytes) -> Bytes:
        with torch.inference_mode():
            pixels = torch.from_numpy(np.ascontiguousarray(rgb)).to(self._device).permute(2, 0, 1)[None].float() / 255
            made = self._model(pixel_values=pixels).reconstruction[0].permute(1, 2, 0)
        return as_bytes((made.clamp(0, 1) * 255).round().byte().cpu().numpy())
