"""What the demo's archive stores can be read again."""

import numpy as np
import pytest

from ezmsg_core.demo.biosignal import Biosignal, Recipe
from ezmsg_core.demo.packing import STEP_UV, packed_samples, unpacked_samples


def recording() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    recipe = Recipe(
        rhythm_hz=10.0,
        rhythm_uv=20.0,
        mains_hz=50.0,
        mains_uv=0.0,
        noise_uv=6.0,
        blinks_per_minute=12.0,
        blink_uv=120.0,
    )
    return Biosignal(500.0, 8, seed=1).next_block(100, recipe)


@pytest.mark.parametrize("effort", [0, 1, 9])
def test_stored_samples_come_back_within_half_a_step(effort: int) -> None:
    samples = recording()
    restored = unpacked_samples(packed_samples(samples, effort), 8)
    assert restored.dtype == np.float32
    np.testing.assert_allclose(restored, samples, atol=STEP_UV * 0.501)


def test_effort_makes_a_signal_smaller() -> None:
    samples = recording()
    sizes = [len(packed_samples(samples, effort)) for effort in (0, 1, 9)]
    assert samples.nbytes < sizes[0]  # nothing is gained, and the frame is added
    assert sizes[2] <= sizes[1] < samples.nbytes / 1.8
