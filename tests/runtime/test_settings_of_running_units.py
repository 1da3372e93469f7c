"""Settings of units that run: what is in force, who changed it, and what is refused and why."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

import ezmsg_core as ez
from ezmsg_core.errors import (
    CallError,
    SettingsConflictError,
    SettingsError,
    SettingsValueError,
    UnknownRecordError,
    UnknownSettingError,
)
from tests.runtime.settable import Bench, GainSettings

SOON_S = 10.0


@pytest_asyncio.fixture
async def context() -> AsyncIterator[ez.GraphContext]:
    runner = ez.GraphRunner({"BENCH": Bench()})
    await asyncio.to_thread(runner.start)
    try:
        async with ez.GraphContext(runner.graph_address) as context:
            yield context
    finally:
        await asyncio.to_thread(runner.stop)


async def settings_of(context: ez.GraphContext, component: str, *, revision: int) -> dict[str, Any]:
    """The settings of a component as soon as they have a revision."""
    async with asyncio.timeout(SOON_S):
        async for event in context.subscribe_settings_events():
            if event.component_address == component and event.value.revision == revision:
                return event.value.structured_value or {}
    raise AssertionError("the events ended")


async def test_initial_settings_and_their_schema_are_known_at_the_start(context: ez.GraphContext) -> None:
    values = await context.settings_snapshot()
    units = ("AMPLIFIER", "FIXED", "HALFWAY", "LIMITER", "ONCE", "REFUSER", "SLEEPER")
    assert list(values) == ["BENCH", *(f"BENCH/{unit}" for unit in units)]
    value = values["BENCH/AMPLIFIER"]
    assert value.revision == 1
    assert value.structured_value == {"gain": 1.0, "label": "plain", "serial": 7}
    assert value.settings_schema is not None
    assert [field.name for field in value.settings_schema.fields] == ["gain", "label", "serial"]
    assert value.settings_schema.fields[0].bounds == (0.0, 10.0)


async def test_a_changed_field_is_applied_acknowledged_and_felt(context: ez.GraphContext) -> None:
    subscriber = await context.subscriber("BENCH/AMPLIFIER/OUTPUT")
    async with asyncio.timeout(SOON_S):
        assert await subscriber.recv() == 1.0
        applied = await context.update_setting("BENCH/AMPLIFIER", "gain", 3.5)
        assert applied.revision == 2
        assert applied.structured_value == {"gain": 3.5, "label": "plain", "serial": 7}
        while await subscriber.recv() != 3.5:
            pass
    assert (await context.settings_snapshot())["BENCH/AMPLIFIER"] == applied


async def test_several_fields_change_together(context: ez.GraphContext) -> None:
    applied = await context.update_setting_fields("BENCH/AMPLIFIER", {"label": "loud", "gain": 6})
    assert applied.structured_value == {"gain": 6.0, "label": "loud", "serial": 7}


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"gain": 11.0}, SettingsValueError, r"gain.*11.*10"),
        ({"gain": -0.5}, SettingsValueError, r"gain.*-0\.5.*0"),
        ({"gain": "much"}, SettingsValueError, r"gain.*'much'"),
        ({"gain": None}, SettingsValueError, "gain"),
        ({"gain": float("nan")}, SettingsValueError, "gain"),
        ({"label": 3}, SettingsValueError, "label"),
        ({"label": "loud"}, SettingsValueError, "loud needs a gain of 5 at least"),
        ({"serial": 8}, SettingsError, "serial"),
        ({"gian": 2.0}, UnknownSettingError, "gian.*gain"),
        ({"gain.fine": 2.0}, UnknownSettingError, r"gain\.fine"),
        ({"gain": 2.0, "label": 3}, SettingsValueError, "label"),
    ],
)
async def test_what_breaks_a_rule_is_refused_by_its_name_and_nothing_changes(
    context: ez.GraphContext, fields: dict[str, object], error: type[Exception], words: str
) -> None:
    before = (await context.settings_snapshot())["BENCH/AMPLIFIER"]
    with pytest.raises(error, match=words):
        await context.update_setting_fields("BENCH/AMPLIFIER", fields)
    assert (await context.settings_snapshot())["BENCH/AMPLIFIER"] == before


async def test_what_the_handler_made_of_it_is_what_is_reported(context: ez.GraphContext) -> None:
    applied = await context.update_setting("BENCH/LIMITER", "gain", 9.0)
    assert applied.structured_value is not None
    assert applied.structured_value["gain"] == 2.0


async def test_a_handler_that_raises_leaves_an_uncertain_value(context: ez.GraphContext) -> None:
    with pytest.raises(SettingsError, match=r"the amplifier does not answer.*uncertain"):
        await context.update_setting("BENCH/REFUSER", "gain", 2.0)
    value = (await context.settings_snapshot())["BENCH/REFUSER"]
    assert value.is_uncertain
    assert value.structured_value is not None
    assert value.structured_value["gain"] == 1.0


async def test_what_a_handler_applied_before_it_raised_is_in_force(context: ez.GraphContext) -> None:
    for field, value in (("gain", 2.0), ("label", "quiet")):
        with pytest.raises(SettingsError, match="uncertain"):
            await context.update_setting("BENCH/HALFWAY", field, value)
    value = (await context.settings_snapshot())["BENCH/HALFWAY"]
    assert value.is_uncertain
    assert value.structured_value == {"gain": 2.0, "label": "quiet", "serial": 7}


async def test_a_handler_that_is_complete_is_not_waited_for(context: ez.GraphContext) -> None:
    applied = await context.update_setting("BENCH/ONCE", "gain", 2.0)
    assert applied.revision == 2
    with pytest.raises(SettingsError, match="BENCH/ONCE takes no settings while it runs"):
        await context.update_setting("BENCH/ONCE", "gain", 3.0, timeout=SOON_S)


async def test_a_handler_that_does_not_end_is_not_waited_for(context: ez.GraphContext) -> None:
    with pytest.raises(CallError, match=r"0\.2 s\. Whether .* is unknown"):
        await context.update_setting("BENCH/SLEEPER", "gain", 2.0, timeout=0.2)


async def test_a_unit_without_a_settings_input_says_so(context: ez.GraphContext) -> None:
    with pytest.raises(SettingsError, match="BENCH/FIXED takes no settings while it runs"):
        await context.update_setting("BENCH/FIXED", "gain", 2.0)


async def test_settings_that_a_unit_applies_by_itself_are_reported(context: ez.GraphContext) -> None:
    assert (await settings_of(context, "BENCH/FIXED", revision=2))["label"] == "by itself"


async def test_a_change_that_expects_another_revision_is_refused(context: ez.GraphContext) -> None:
    await context.update_setting_fields("BENCH/AMPLIFIER", {"gain": 2.0}, expected_revision=1)
    with pytest.raises(SettingsConflictError, match="revision 2, not 1") as caught:
        await context.update_setting_fields("BENCH/AMPLIFIER", {"gain": 3.0}, expected_revision=1)
    assert caught.value.parts["revision"] == 2


async def test_changes_at_once_are_applied_one_after_the_other(context: ez.GraphContext) -> None:
    gains = [number / 10 for number in range(1, 31)]
    applied = await asyncio.gather(
        *(context.update_setting("BENCH/AMPLIFIER", "gain", gain, timeout=SOON_S) for gain in gains)
    )
    assert sorted(value.revision for value in applied) == list(range(2, 32))
    assert {value.structured_value["gain"] for value in applied if value.structured_value} == set(gains)
    last = max(applied, key=lambda value: value.revision)
    assert (await context.settings_snapshot())["BENCH/AMPLIFIER"] == last


async def test_a_whole_settings_object_is_taken_too(context: ez.GraphContext) -> None:
    await context.update_settings("BENCH/AMPLIFIER", GainSettings(gain=4.0))
    assert (await settings_of(context, "BENCH/AMPLIFIER", revision=2))["gain"] == 4.0


async def test_an_unknown_component_is_named(context: ez.GraphContext) -> None:
    with pytest.raises((UnknownRecordError, CallError), match="BENCH/AMPLIFEIR"):
        await context.update_setting("BENCH/AMPLIFEIR", "gain", 1.0)
    with pytest.raises(UnknownRecordError, match="BENCH/AMPLIFEIR"):
        await context.update_settings("BENCH/AMPLIFEIR", GainSettings())
