"""`python -m tools.depth_model SHA256`: check the file of KINORA_DEPTH_MODEL, and run it on a small picture."""

import sys
from hashlib import sha256

import numpy as np

from workers.renderer.depth_model import DepthConfig, DepthModelUnavailable, load, normalised


def main(expected: str = "") -> str:
    """Return what is wrong with the configured depth model, or an empty text. Print what is right."""
    config = DepthConfig()
    path = config.depth_model
    if path is None:
        return "KINORA_DEPTH_MODEL is not set."
    try:
        model = load(path, config.depth_model_returns)
    except DepthModelUnavailable as unavailable:
        return str(unavailable)
    found = sha256(path.read_bytes()).hexdigest()
    if expected and found != expected.lower():
        return f"{path} has the SHA-256 {found}, not {expected}."
    depth = normalised(model(np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)))
    if depth.ndim != 2 or not np.isfinite(depth).all():
        return f"{path} does not return one depth per pixel: its shape is {depth.shape}."
    print(f"{path} runs and returns {depth.shape[1]} x {depth.shape[0]} depths. Its SHA-256 is {found}.")
    return ""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or 0)
