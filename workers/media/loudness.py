"""The integrated loudness of a track: ITU-R BS.1770-4, as used by EBU R 128."""

from collections.abc import Iterable
from math import log10

import numpy as np
from numpy.typing import NDArray

from workers.media.sound import RATE, Samples

SILENCE = -70.0  # the absolute gate in LUFS; quieter blocks count as silence

_TAPS = 8192  # length of the filters' impulse response in samples; after a sixth of a second it is 0
_STEP = RATE // 10  # blocks of 400 ms begin every 100 ms
# BS.1770-4, tables 1 and 2, for 48 kHz: the head's shelf, then the high-pass ("RLB"); numerators and denominators.
_SHELF = (1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)
_HIGH_PASS = (1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)


def integrated(chunks: Iterable[Samples]) -> float:
    """Return the LUFS of a stereo track at 48 kHz, given in chunks, or -inf if no block exceeds the absolute gate."""
    steps = np.array(list(_powers(chunks)))
    if len(steps) < 4:
        return -np.inf
    blocks = np.convolve(steps, np.ones(4) / 4, "valid")
    loud = blocks[blocks > _power(SILENCE)]
    if not len(loud):
        return -np.inf
    louder = loud[loud > loud.mean() / 10]  # the relative gate, 10 LU below the mean
    return _lufs(float(louder.mean()))


def _powers(chunks: Iterable[Samples]) -> Iterable[float]:
    """Yield the mean square of each 100 ms after K-weighting, summed over left and right."""
    size = _TAPS + _STEP - 1
    response = np.fft.rfft(_impulse_response(), size)
    waiting, past = np.zeros((2, 0)), np.zeros((2, _TAPS - 1))
    for chunk in chunks:
        waiting = np.concatenate([waiting, chunk], axis=1)
        while waiting.shape[1] >= _STEP:
            window = np.concatenate([past, waiting[:, :_STEP]], axis=1)  # overlap-save
            weighted = np.fft.irfft(np.fft.rfft(window, size) * response, size)[:, _TAPS - 1 :]
            yield float(np.mean(weighted**2, axis=1).sum())
            waiting, past = waiting[:, _STEP:], window[:, 1 - _TAPS :]


def _impulse_response() -> NDArray[np.float64]:
    """Return the impulse response of both filters in series, from samples of their frequency response."""
    z = np.exp(-2j * np.pi * np.arange(_TAPS + 1) / (2 * _TAPS))
    response = np.ones_like(z)
    for numerator, denominator in (_SHELF, _HIGH_PASS):
        response *= np.polyval(numerator[::-1], z) / np.polyval(denominator[::-1], z)
    return np.fft.irfft(response)[:_TAPS]


def _lufs(power: float) -> float:
    return -0.691 + 10 * log10(power)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))
