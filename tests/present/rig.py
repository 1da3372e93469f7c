"""A laboratory's graph on a live desk, for pictures: nested units on four processes, one that holds up another, one
that leaks, readings that repeat, edits in every state; the same to the last digit each time it is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from ezmsg_core.model.components import (
    CollectionMetadata,
    ComponentMetadata,
    DynamicSettingsMetadata,
    GraphMetadata,
    UnitMetadata,
)
from ezmsg_core.model.profiles import ProcessProfile, ProfileChannelType, PublisherCounters, SubscriberCounters
from ezmsg_core.model.settings import FieldKind, SettingsChangedEvent, SettingsEventType, SettingsState
from ezmsg_core.model.topology import (
    ChannelRecord,
    EdgeChanged,
    OwnedEdge,
    Phase,
    ProcessRecord,
    PublisherRecord,
    SessionRecord,
    SubscriberRecord,
    TopologyChangedEvent,
    TopologyEventType,
    TopologyState,
)
from ezmsg_core.model.watching import (
    ProfileSampled,
    ProfilesListed,
    SettingsEvent,
    SettingsListed,
    StreamName,
    TopologyEvent,
    TopologyListed,
)
from ezmsg_tui.store.facts import AttemptFailed, AttemptStarted, LinkWent, Verdict
from tests.present.stage import (
    BAND,
    BAND_FIELDS,
    SECOND,
    Stage,
    into,
    out,
    setting,
    settings_value,
    unit,
)

HOST = "lab-rig"
PROCESSES = {  # label: number of the process, share of a core
    "LAB/SOURCES": (1, 12.0),
    "LAB/CONDITIONING": (2, 41.0),
    "LAB/ANALYSIS": (3, 97.0),
    "worker 4": (4, 6.0),
}
UNITS = {  # address: process, class, rate out, what it reads
    "LAB/SOURCES/AMPLIFIER": ("LAB/SOURCES", "Amplifier", 50.0, ()),
    "LAB/CONDITIONING/NOTCH": ("LAB/CONDITIONING", "Notch", 50.0, ("LAB/SOURCES/AMPLIFIER",)),
    "LAB/CONDITIONING/BANDPASS": ("LAB/CONDITIONING", "Bandpass", 50.0, ("LAB/CONDITIONING/NOTCH",)),
    "LAB/ANALYSIS/SPECTRUM": ("LAB/ANALYSIS", "RollingSpectrum", 10.0, ("LAB/CONDITIONING/BANDPASS",)),
    "LAB/ANALYSIS/DECODER": ("LAB/ANALYSIS", "Decoder", 10.0, ("LAB/ANALYSIS/SPECTRUM",)),
    "LAB/STORAGE/ARCHIVE": ("worker 4", "Archive", 0.0, ("LAB/CONDITIONING/BANDPASS",)),
    "LAB/DISPLAY/SCOPE": ("worker 4", "Scope", 0.0, ("LAB/CONDITIONING/BANDPASS", "LAB/ANALYSIS/DECODER")),
}
LEAKY = "LAB/DISPLAY/SCOPE"
HELD, HOLDER = "LAB/CONDITIONING/BANDPASS", "LAB/STORAGE/ARCHIVE"
BANDPASS, NOTCH, SCOPE = "LAB/CONDITIONING/BANDPASS", "LAB/CONDITIONING/NOTCH", "LAB/DISPLAY/SCOPE"
SCOPE_FIELDS = [
    setting("level_uv", FieldKind.FLOAT, 0.0, unit="µV", is_read_only=True, description="Of the last block"),
    setting("is_clipped", FieldKind.BOOL, False, is_read_only=True),
]
NOTCH_FIELDS = [setting("mains", FieldKind.FLOAT, 50.0, unit="Hz", bounds=(40.0, 70.0), description="Of the mains")]
SECONDS = 64  # of traffic: a whole minute of history


def _id(process: str) -> UUID:
    return UUID(int=PROCESSES[process][0])


def _pid(process: str) -> int:
    return 8100 + PROCESSES[process][0]


def _sources(address: str) -> Sequence[str]:
    return UNITS[address][3]


def _metadata() -> dict[str, ComponentMetadata]:
    found: dict[str, ComponentMetadata] = {}
    for address, (_, kind, rate_hz, sources) in UNITS.items():
        has_settings = address in (BANDPASS, NOTCH)
        streams = [*([into(address)] if sources else []), *([out(address)] if rate_hz else [])]
        declared: UnitMetadata = unit(address, *streams, settings=has_settings)
        found[address] = msgspec.structs.replace(declared, component_type=f"lab.units.{kind}")
    above = {address.rpartition("/")[0] for address in UNITS} | {"LAB"}
    for address in sorted(above):
        children = sorted(a for a in (*UNITS, *above) if a.rpartition("/")[0] == address)
        name = address.rpartition("/")[2]
        found[address] = CollectionMetadata(
            address=address,
            name=name,
            component_type=f"lab.system.{name.title()}",
            settings_type="lab.None",
            initial_settings=(None, {}),
            dynamic_settings=DynamicSettingsMetadata(False, None, None),
            settings_schema=None,
            topics={},
            relays={},
            children=children,
        )
    return found


def _topology() -> TopologyState:
    publishers = [
        PublisherRecord(f"{a}/OUT:p", f"{a}/OUT", _id(p), _pid(p), HOST, 32, [f"unix:/run/{_pid(p)}"])
        for a, (p, _, rate_hz, _) in UNITS.items()
        if rate_hz
    ]
    subscribers = [
        SubscriberRecord(f"{a}/IN:s", f"{a}/IN", _id(p), _pid(p), HOST, a == LEAKY, 8 if a == LEAKY else None)
        for a, (p, _, _, sources) in UNITS.items()
        if sources
    ]
    pairs = [(source, address) for address in UNITS for source in _sources(address)]
    return TopologyState(
        revision=96,
        edges=[OwnedEdge(f"{source}/OUT", f"{target}/IN", ["s1"]) for source, target in sorted(pairs)],
        sessions=[SessionRecord("s1", f"lab@{HOST}", 8100, HOST, GraphMetadata(1, "LAB", _metadata()))],
        processes=[
            ProcessRecord(
                _id(label), _pid(label), HOST, sorted(a for a in UNITS if UNITS[a][0] == label), label, Phase.LIVE
            )
            for label in PROCESSES
        ],
        publishers=publishers,
        subscribers=subscribers,
        channels=[
            ChannelRecord(f"{source}/OUT:p", f"{target}/IN:s", _path(source, target), "") for source, target in pairs
        ],
    )


def _path(source: str, target: str) -> ProfileChannelType:
    if UNITS[source][0] == UNITS[target][0]:
        return ProfileChannelType.LOCAL
    return ProfileChannelType.TCP if target == LEAKY else ProfileChannelType.SHM


def _count(rate_hz: float, second: float) -> int:
    """Steady but for a dip in the middle of the minute."""
    dip = min(max(second - 30.0, 0.0), 6.0)
    return round(rate_hz * (second - 0.5 * dip))


def _profile(label: str, second: float) -> ProcessProfile:
    now_ns = round(second * SECOND)
    held_ns = round(0.31 * now_ns)
    publishers: list[PublisherCounters] = []
    subscribers: list[SubscriberCounters] = []
    for address, (process, _, rate_hz, sources) in UNITS.items():
        if process != label:
            continue
        if rate_hz:
            count, is_held = _count(rate_hz, second), address == HELD
            by = {f"{HOLDER}/IN:s": held_ns} if is_held else {}
            publishers.append(
                PublisherCounters(
                    f"{address}/OUT:p",
                    f"{address}/OUT",
                    count,
                    count * 1280,
                    31 if is_held else 1,
                    32,
                    held_ns if is_held else 0,
                    count // 2 if is_held else 0,
                    by,
                )
            )
        if sources:
            count = sum(_count(UNITS[source][2], second) for source in sources)
            dropped = round(0.4 * count) if address == LEAKY else 0
            busy = {HOLDER: 0.93, "LAB/ANALYSIS/SPECTRUM": 0.22}.get(address, 0.004)
            subscribers.append(
                SubscriberCounters(
                    f"{address}/IN:s",
                    f"{address}/IN",
                    count - dropped,
                    (count - dropped) * 1280,
                    dropped,
                    8 if address == LEAKY else 31 if address == HOLDER else 0,
                    8 if address == LEAKY else None,
                    address == LEAKY,
                    _path(sources[0], address),
                    round(busy * now_ns),
                )
            )
    return ProcessProfile(
        _id(label),
        _pid(label),
        HOST,
        second,
        now_ns,
        publishers,
        subscribers,
        PROCESSES[label][1],
        64 << 20,
        2_400_000 if label == "LAB/ANALYSIS" else 80_000,
    )


class Rig(Stage):
    """A desk on the laboratory's graph."""

    def __init__(self, *, is_read_only: bool = False) -> None:
        super().__init__(is_read_only=is_read_only, host=HOST)

    def try_to_connect(self) -> Rig:
        """Nobody answers, and the next try will come."""
        self.tell(AttemptStarted(self.now_s, self.wall_s, "127.0.0.1:25978", 1))
        self.now_s += 0.8
        reason = "There is no graph server at 127.0.0.1:25978: connection refused."
        remedy = "Start one, or see one now: `ezmsg-tui --demo`."
        self.tell(AttemptFailed(self.now_s, self.wall_s, reason, remedy, self.now_s + 0.5))
        return self

    def be_refused(self) -> Rig:
        """Somebody answers who is not to be spoken to."""
        self.tell(AttemptStarted(self.now_s, self.wall_s, "127.0.0.1:25978", 1))
        reason = "At 127.0.0.1:25978 an ezmsg 3.x server answered, which speaks another protocol."
        remedy = "Give the address of a graph server of this project."
        self.tell(AttemptFailed(self.now_s, self.wall_s, reason, remedy, None))
        return self

    def lose_the_link(self) -> Rig:
        """The server went twelve seconds ago, and three tries failed since."""
        self.tell(LinkWent(self.now_s, self.wall_s, "connection reset by peer", self.now_s + 0.25))
        for attempt in (1, 2, 3):
            self.now_s += 4.0
            self.tell(
                AttemptStarted(self.now_s, self.wall_s, "127.0.0.1:25978", attempt),
                AttemptFailed(self.now_s, self.wall_s, "connection refused", "", self.now_s + 2.4),
            )
        return self

    def attach_empty(self) -> Rig:
        """Connected, and there is nothing."""
        self.attach()
        self.tell(
            self.item(StreamName.TOPOLOGY, TopologyListed(TopologyState(0, [], [], [], [], [], []))),
            self.item(StreamName.SETTINGS, SettingsListed(SettingsState(0, {}))),
            self.item(StreamName.PROFILING, ProfilesListed(0, [])),
        )
        return self

    def run(self) -> Rig:
        """Connected, with more than a minute of traffic, and something in the event list."""
        self.attach()
        values = {
            BANDPASS: self._settings(dict(BAND), BAND_FIELDS, "Bandpass"),
            NOTCH: self._settings({"mains": 60.0}, NOTCH_FIELDS, "Notch"),
            SCOPE: self._settings({"level_uv": 11.5, "is_clipped": False}, SCOPE_FIELDS, "Scope"),
        }
        self.tell(
            self.item(StreamName.TOPOLOGY, TopologyListed(_topology())),
            self.item(StreamName.SETTINGS, SettingsListed(SettingsState(self.seq, values))),
            self.item(StreamName.PROFILING, ProfilesListed(0, [])),
        )
        for half in range(2 * SECONDS):
            self.now_s += 0.5
            for label in PROCESSES:
                self.tell(self.item(StreamName.PROFILING, ProfileSampled(half, _profile(label, 1 + half / 2))))
            if half % 16 == 3 and half < 60:
                self.set_from(SCOPE, SCOPE, level_uv=12.0 + half / 8, is_clipped=half > 40)
            if half == 70:
                self.set_from(NOTCH, "lab@lab-rig", mains=50.0)
            if half == 90:
                edge = EdgeChanged(OwnedEdge("LAB/ANALYSIS/DECODER/OUT", "LAB/SPEECH/IN", ["s2"]))
                event = TopologyChangedEvent(97, TopologyEventType.GRAPH_CHANGED, self.wall_s, [], "s1", None, [edge])
                self.tell(self.item(StreamName.TOPOLOGY, TopologyEvent(event)))
        return self

    def edit(self) -> Rig:
        """One edit applied, one refused by the owner, one staged, one that breaks a rule."""
        desk = self.desk
        desk.stage(NOTCH, "mains", "60")
        desk.apply(NOTCH)
        self.revision += 1
        self.set_from(NOTCH, "tui@lab-2", mains=60.0)
        self.answer(Verdict.ACCEPTED, revision=self.revision)
        desk.stage(BANDPASS, "kind", "cheby1")
        desk.apply(BANDPASS)
        self.answer(Verdict.REFUSED, "cheby1 needs a ripple, and there is none.", field_path="kind")
        desk.stage(BANDPASS, "low", "8.0")
        desk.stage(BANDPASS, "high", "450")
        self.now_s += 2.0
        desk.poll()
        return self

    def set_from(self, address: str, actor: str, **fields: Any) -> None:
        """Settings changed, by the unit itself or by somebody else."""
        self.seq += 1
        running = self.desk.store.settings.values[address]
        tree = {**(running.structured_value or {}), **fields}
        value = msgspec.structs.replace(
            running,
            structured_value=tree,
            repr_value=tree,
            revision=running.revision + 1,
            actor=actor,
            timestamp=self.wall_s,
        )
        self.revision = value.revision
        updated = SettingsEventType.SETTINGS_UPDATED
        event = SettingsChangedEvent(
            self.seq, updated, address, self.wall_s, None, _id("LAB/CONDITIONING"), value, running, list(fields)
        )
        self.tell(self.item(StreamName.SETTINGS, SettingsEvent(event)))

    @staticmethod
    def _settings(tree: dict[str, Any], fields: list[Any], kind: str) -> Any:
        value = settings_value(tree, fields, actor=f"lab@{HOST}")
        schema = value.settings_schema
        assert schema is not None
        return msgspec.structs.replace(
            value, settings_schema=msgspec.structs.replace(schema, settings_type=f"lab.units.{kind}Settings")
        )
