"""The size at which a model works, for the size of a film. Few sizes, because each one is compiled once."""

_ASPECTS = (21 / 9, 16 / 9, 3 / 2, 4 / 3, 1.0, 3 / 4, 2 / 3, 9 / 16, 9 / 21)


def working_size(width: int, height: int, *, pixels: int, multiple: int) -> tuple[int, int]:
    """Return the width and height, multiples of `multiple`, with about `pixels` pixels and the nearest aspect ratio."""
    aspect = min(_ASPECTS, key=lambda each: abs(each / (width / height) - 1))
    sides = (pixels * aspect) ** 0.5, (pixels / aspect) ** 0.5
    wide, high = (max(multiple, round(side / multiple) * multiple) for side in sides)
    return wide, high


def working_frames(seconds: float, fps: int, *, multiple: int) -> int:
    """Return the smallest number of frames `multiple` x k + 1 that lasts `seconds`."""
    frames = max(1, round(seconds * fps))
    return -(-(frames - 1) // multiple) * multiple + 1
