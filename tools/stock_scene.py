"""`python -m tools.stock_scene`: paint the scene of the editor's preview, with its depth, into web/public."""

import cv2
import numpy as np

from local.environment import ROOT
from workers.painter.painting import paint
from workers.painter.reading import read

PROMPT, SEED = "a lighthouse on a cliff at dusk", 11
SIZE = 1280, 720
DEPTH_SIZE = 640, 360
PUBLIC = ROOT / "web" / "public"


def main() -> None:
    """Write the picture, and its disparity as a grey JPEG in which bright is near."""
    painting = paint(read(PROMPT, None, SEED), *SIZE)
    picture = cv2.cvtColor(painting.rgb, cv2.COLOR_RGB2BGR)
    depth = cv2.resize(painting.nearness, DEPTH_SIZE, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(PUBLIC / "stock.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 82])
    cv2.imwrite(str(PUBLIC / "stock-depth.jpg"), np.rint(depth / 257).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])


if __name__ == "__main__":
    main()
