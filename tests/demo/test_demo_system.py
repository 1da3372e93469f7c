"""The demo graph as it is declared: its size, its settings, its rates."""

import dataclasses
import math
from collections.abc import Iterator

import pytest

import ezmsg_core as ez
from ezmsg_core.demo import CONFIGURED_RATES, ROOT
from ezmsg_core.demo.analysis import BandPowerSettings, SpectrumSettings
from ezmsg_core.demo.conditioning import BandpassSettings, DecimateSettings
from ezmsg_core.demo.display import ScopeSettings
from ezmsg_core.demo.sources import BLOCK_SAMPLES, SAMPLE_RATE_HZ, HostSettings
from ezmsg_core.demo.storage import ArchiveSettings, SegmentSettings
from ezmsg_core.demo.system import DemoSystem


def units_of(component: ez.Component, address: str = ROOT) -> Iterator[tuple[str, ez.Unit]]:
    """Every unit with its address."""
    if isinstance(component, ez.Unit):
        yield address, component
    for name, child in component.components.items():
        yield from units_of(child, f"{address}/{name}")


UNITS = dict(units_of(DemoSystem()))
SETTINGS_TYPES = {type(unit.SETTINGS) for unit in UNITS.values()}


def test_the_graph_has_at_least_ten_units_in_nested_collections() -> None:
    assert len(UNITS) >= 10
    assert max(address.count("/") for address in UNITS) >= 3


def test_every_publisher_has_a_configured_rate() -> None:
    published = {
        f"{address}/{name}"
        for address, unit in UNITS.items()
        for name, stream in unit.streams.items()
        if isinstance(stream, ez.OutputStream)
    }
    assert published == set(CONFIGURED_RATES)


def test_the_configured_rates_follow_from_the_settings_at_the_start() -> None:
    blocks = SAMPLE_RATE_HZ / BLOCK_SAMPLES
    slow_hz = SAMPLE_RATE_HZ / DecimateSettings().factor
    window = round(SpectrumSettings().window_s * slow_hz)
    spectra = slow_hz / round(window * (1 - SpectrumSettings().overlap))
    segments = SegmentSettings().groups / SegmentSettings().duration_s
    expected = {
        "AMPLIFIER": blocks,
        "HOST": HostSettings().rate_hz,
        "NOTCH": blocks,
        "BANDPASS": blocks,
        "DECIMATE": blocks,
        "SPECTRUM": spectra,
        "BAND_POWER": spectra,
        "DECODER": spectra,
        "SEGMENTS": segments,
        "ARCHIVE": segments,
        "LOAD_MONITOR": HostSettings().rate_hz,
    }
    assert {topic.split("/")[-2]: rate for topic, rate in CONFIGURED_RATES.items()} == pytest.approx(expected)


def test_the_archive_is_slow_but_keeps_up_with_the_settings_at_the_start() -> None:
    share = SegmentSettings().groups * ArchiveSettings().work_ms / 1000 / SegmentSettings().duration_s
    assert 0.3 < share < 0.7


@pytest.mark.parametrize("kind", SETTINGS_TYPES, ids=lambda kind: kind.__name__)
def test_every_field_says_what_it_is_and_starts_within_its_bounds(kind: type[ez.Settings]) -> None:
    for field in dataclasses.fields(kind):
        assert field.metadata["description"]
        start = field.default
        if isinstance(start, (int, float)):
            assert field.metadata.get("ge", -math.inf) <= start <= field.metadata.get("le", math.inf)


@pytest.mark.parametrize("address", UNITS)
def test_a_unit_takes_settings_while_it_runs_if_it_has_a_field_to_set(address: str) -> None:
    unit = UNITS[address]
    can_be_set = [
        field.name for field in dataclasses.fields(type(unit.SETTINGS)) if not field.metadata.get("read_only")
    ]
    assert ("INPUT_SETTINGS" in unit.streams) == bool(can_be_set)
    if can_be_set:
        assert unit.streams["INPUT_SETTINGS"].msg_type is type(unit.SETTINGS)


@pytest.mark.parametrize("kind", [BandpassSettings, BandPowerSettings])
@pytest.mark.parametrize(("low_hz", "high_hz"), [(20.0, 10.0), (10.0, 10.0), (math.nan, 10.0)])
def test_a_band_without_width_is_refused(
    kind: type[BandpassSettings] | type[BandPowerSettings], low_hz: float, high_hz: float
) -> None:
    with pytest.raises(ValueError, match="low_hz must be below high_hz"):
        kind(low_hz=low_hz, high_hz=high_hz)


def test_a_negative_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        ScopeSettings(channels=(3, -1))
    assert ScopeSettings(channels=()).channels == ()
