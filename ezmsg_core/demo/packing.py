"""Samples in few bytes: what the archive of the demo stores. It knows no unit and no message."""

import zlib

import numpy as np
from numpy.typing import NDArray

STEP_UV = 0.1  # resolution of what is stored; finer than the noise of any real amplifier


def packed_samples(samples: NDArray[np.float32], effort: int) -> bytes:
    """Samples (time, channel) in µV as compressed differences in steps of `STEP_UV`, channel by channel.

    Args:
        samples: of any length.
        effort: 0 (none) to 9.
    """
    steps = np.rint(samples.T / STEP_UV).astype(np.int32)
    return zlib.compress(np.diff(steps, axis=1, prepend=0).astype("<i4").tobytes(), effort)


def unpacked_samples(packed: bytes, channels: int) -> NDArray[np.float32]:
    """What `packed_samples` has kept of the samples (time, channel): the same within half a step."""
    differences = np.frombuffer(zlib.decompress(packed), "<i4").reshape(channels, -1)
    return (np.cumsum(differences, axis=1).T * STEP_UV).astype(np.float32)
