"""A small graph for the view models: two worker processes, a collection, a program without units, live counters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from ezmsg_core.model.components import (
    CollectionMetadata,
    DynamicSettingsMetadata,
    GraphMetadata,
    InputStreamMetadata,
    OutputStreamMetadata,
    StreamMetadataType,
    TaskMetadata,
    UnitMetadata,
)
from ezmsg_core.model.profiles import ProcessProfile, ProfileChannelType, PublisherCounters, SubscriberCounters
from ezmsg_core.model.settings import (
    FieldKind,
    SettingsChangedEvent,
    SettingsEventType,
    SettingsFieldMetadata,
    SettingsSchemaMetadata,
    SettingsSnapshotValue,
    SettingsState,
)
from ezmsg_core.model.topology import (
    ChannelRecord,
    OwnedEdge,
    Phase,
    ProcessRecord,
    PublisherRecord,
    SessionRecord,
    SubscriberRecord,
    TopologyState,
)
from ezmsg_core.model.watching import (
    ProfileSampled,
    ProfilesListed,
    SettingsEvent,
    SettingsListed,
    StreamName,
    TopologyListed,
    WatchItem,
)
from ezmsg_tui.feed.clocks import Clocks
from ezmsg_tui.present.live_desk import LiveDesk
from ezmsg_tui.store.change_book import Submission
from ezmsg_tui.store.facts import Attached, AttemptStarted, Fact, ItemCame, PatchEnded, PatchSent, ServerFacts, Verdict

SECOND = 1_000_000_000
P1, P2, P3 = (UUID(int=n) for n in (1, 2, 3))
START_S, START_WALL_S = 100.0, 1_700_000_000.0


def setting(name: str, kind: FieldKind, default: Any, **details: Any) -> SettingsFieldMetadata:
    """One field of a schema."""
    rest: dict[str, Any] = {"description": None, "bounds": None, "choices": None, "widget_hint": None, **details}
    return SettingsFieldMetadata(name, kind.value, required=False, default=default, kind=kind, **rest)


BAND_FIELDS = [
    setting("order", FieldKind.INT, 4, bounds=(1, 12)),
    setting("low", FieldKind.FLOAT, 1.0, bounds=(0.1, 250.0), unit="Hz", description="Lower edge", step=0.5),
    setting("high", FieldKind.FLOAT, 45.0, bounds=(0.1, 250.0), unit="Hz"),
    setting("kind", FieldKind.LITERAL, "butter", choices=["butter", "cheby1"]),
    setting("enabled", FieldKind.BOOL, True),
    setting("window", FieldKind.INT, None, is_optional=True, bounds=(1, None)),
    setting("meta", FieldKind.NESTED, None, fields=[setting("name", FieldKind.STR, "", length=(None, 8))]),
    setting("power", FieldKind.FLOAT, 0.0, is_read_only=True),
]
BAND = {
    "order": 4,
    "low": 1.0,
    "high": 30.0,
    "kind": "butter",
    "enabled": True,
    "window": None,
    "meta": {"name": "alpha"},
    "power": 0.25,
}


def settings_value(
    tree: dict[str, Any], fields: list[SettingsFieldMetadata], revision: int = 1, actor: str = "lab"
) -> SettingsSnapshotValue:
    schema = SettingsSchemaMetadata("dataclass", "lab.units.BandSettings", fields)
    return SettingsSnapshotValue(None, tree, tree, schema, revision, actor, START_WALL_S)


def unit(address: str, *streams: StreamMetadataType, settings: bool = False) -> UnitMetadata:
    topic = f"{address}/INPUT_SETTINGS" if settings else None
    return UnitMetadata(
        address=address,
        name=address.rpartition("/")[2],
        component_type=f"lab.units.{address.rpartition('/')[2].title()}",
        settings_type="lab.units.BandSettings",
        initial_settings=(None, {}),
        dynamic_settings=DynamicSettingsMetadata(settings, topic, None),
        settings_schema=None,
        streams={stream.name: stream for stream in streams},
        tasks=[TaskMetadata("work", f"{address}/IN", [f"{address}/OUT"])],
        main=None,
        threads=[],
    )


def out(address: str) -> OutputStreamMetadata:
    return OutputStreamMetadata("OUT", f"{address}/OUT", "lab.Block")


def into(address: str) -> InputStreamMetadata:
    return InputStreamMetadata("IN", f"{address}/IN", "lab.Block")


def graph_state(rename: Callable[[str], str] = lambda text: text) -> TopologyState:
    """SYS/SRC → SYS/BAND → SYS/SINK over two processes, and a program that listens to SYS/BAND/OUT."""
    r = rename
    src, band, sink, log = r("SYS/SRC"), r("SYS/BAND"), r("SYS/SINK"), r("LOG")
    system = CollectionMetadata(
        address=r("SYS"),
        name=r("SYS"),
        component_type=r("lab.System"),
        settings_type="lab.None",
        initial_settings=(None, {}),
        dynamic_settings=DynamicSettingsMetadata(False, None, None),
        settings_schema=None,
        topics={},
        relays={},
        children=[src, band, sink],
    )
    units = [unit(src, out(src)), unit(band, into(band), out(band), settings=True), unit(sink, into(sink))]
    components: dict[str, Any] = {system.address: system, **{u.address: u for u in units}}
    edges = [(f"{src}/OUT", f"{band}/IN"), (f"{band}/OUT", f"{sink}/IN"), (f"{band}/OUT", log)]

    def publisher(address: str, process: UUID, pid: int) -> PublisherRecord:
        return PublisherRecord(f"{address}/OUT:p", f"{address}/OUT", process, pid, r("rig"), 32, [r("unix:/x")])

    def subscriber(topic: str, process: UUID, pid: int, *, leaky: bool = False) -> SubscriberRecord:
        return SubscriberRecord(f"{topic}:s", topic, process, pid, r("rig"), leaky, 8 if leaky else None)

    return TopologyState(
        revision=10,
        edges=[OwnedEdge(*edge, [r("s1")]) for edge in sorted(edges)],
        sessions=[SessionRecord(r("s1"), r("lab@rig"), 8100, r("rig"), GraphMetadata(1, r("SYS"), components))],
        processes=[
            ProcessRecord(P1, 8101, r("rig"), sorted([src, band]), r("worker-1"), Phase.LIVE),
            ProcessRecord(P2, 8102, r("rig"), [sink], r("worker-2"), Phase.LIVE),
        ],
        publishers=[publisher(src, P1, 8101), publisher(band, P1, 8101)],
        subscribers=[
            subscriber(f"{band}/IN", P1, 8101),
            subscriber(f"{sink}/IN", P2, 8102),
            subscriber(log, P3, 8103, leaky=True),
        ],
        channels=[
            ChannelRecord(f"{src}/OUT:p", f"{band}/IN:s", ProfileChannelType.LOCAL, r("same process")),
            ChannelRecord(f"{band}/OUT:p", f"{sink}/IN:s", ProfileChannelType.SHM, r("same host")),
            ChannelRecord(f"{band}/OUT:p", f"{log}:s", ProfileChannelType.TCP, r("no shared memory")),
        ],
    )


def profile(process: UUID, pid: int, second: float, rename: Callable[[str], str] = lambda text: text) -> ProcessProfile:
    """Counters after so many seconds: 50 messages a second, and SYS/BAND waits 31 % of its time for SYS/SINK."""
    r = rename
    src, band, sink, log = r("SYS/SRC"), r("SYS/BAND"), r("SYS/SINK"), r("LOG")
    count, now_ns = int(50 * second), round(second * SECOND)
    held_ns = round(0.31 * now_ns)
    publishers = {
        P1: [
            PublisherCounters(f"{src}/OUT:p", f"{src}/OUT", count, count * 100, 1, 32),
            PublisherCounters(
                f"{band}/OUT:p", f"{band}/OUT", count, count * 100, 31, 32, held_ns, count, {f"{sink}/IN:s": held_ns}
            ),
        ]
    }
    shm = ProfileChannelType.SHM
    subscribers = {
        P1: [SubscriberCounters(f"{band}/IN:s", f"{band}/IN", count, path=ProfileChannelType.LOCAL)],
        P2: [SubscriberCounters(f"{sink}/IN:s", f"{sink}/IN", count, path=shm, busy_ns=round(0.9 * now_ns))],
        P3: [
            SubscriberCounters(
                f"{log}:s", log, count // 5, dropped_total=count - count // 5, max_queue=8, is_leaky=True, queue_depth=8
            )
        ],
    }
    return ProcessProfile(
        process, pid, r("rig"), second, now_ns, publishers.get(process, []), subscribers.get(process, []), 41.0, 1 << 20
    )


class Source:
    """Hands the desk what the test writes down, and keeps what the desk sends."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.sent: list[Submission] = []
        self.reconnects = 0

    def take(self) -> list[Fact]:
        facts, self.facts = self.facts, []
        return facts

    def patch(self, submission: Submission) -> None:
        self.sent.append(submission)

    def reconnect_now(self) -> None:
        self.reconnects += 1


class Stage:
    """A desk, its source and its clock."""

    def __init__(
        self,
        *,
        is_read_only: bool = False,
        role: str = "control",
        host: str = "rig",
        rename: Callable[[str], str] = lambda text: text,
    ) -> None:
        self.now_s = START_S
        self.source = Source()
        clocks = Clocks(lambda: self.now_s, lambda: self.wall_s)
        self.desk = LiveDesk(self.source, clocks, is_read_only=is_read_only)
        self.role = role
        self.host = host
        self.rename = rename
        self.band = rename("SYS/BAND")
        self.revision = 1
        self.seq = 5

    def tell(self, *facts: Fact) -> int:
        self.source.facts += facts
        return self.desk.poll()

    @property
    def wall_s(self) -> float:
        return START_WALL_S + self.now_s - START_S

    def item(self, stream: StreamName, item: WatchItem) -> ItemCame:
        return ItemCame(self.now_s, self.wall_s, stream, item)

    def attach(self, epoch: str = "e1") -> None:
        server = ServerFacts("g", epoch, 1, self.rename(self.host), self.role)
        self.tell(
            AttemptStarted(self.now_s, self.wall_s, "127.0.0.1:25978", 1),
            Attached(self.now_s, self.wall_s, "127.0.0.1:25978", server),
        )

    def go_live(self, seconds: int = 12) -> Stage:
        """Attach, list everything, and let the counters run for so many seconds."""
        self.attach()
        values = {self.band: settings_value(BAND, BAND_FIELDS, self.revision, self.rename("lab"))}
        self.tell(
            self.item(StreamName.TOPOLOGY, TopologyListed(graph_state(self.rename))),
            self.item(StreamName.SETTINGS, SettingsListed(SettingsState(self.seq, values))),
            self.item(StreamName.PROFILING, ProfilesListed(0, [])),
        )
        for half in range(2 * seconds):
            self.now_s += 0.5
            for process, pid in ((P1, 8101), (P2, 8102), (P3, 8103)):
                sampled = ProfileSampled(half, profile(process, pid, 1 + half / 2, self.rename))
                self.tell(self.item(StreamName.PROFILING, sampled))
        return self

    def hear_settings(self, actor: str = "other@rig", **fields: Any) -> None:
        """Someone changed settings of SYS/BAND, and the owner has them in force."""
        self.revision += 1
        self.seq += 1
        running = self.desk.store.settings.values[self.band]
        tree = {**(running.structured_value or {}), **fields}
        value = msgspec.structs.replace(
            running, structured_value=tree, repr_value=tree, revision=self.revision, actor=actor
        )
        event = SettingsChangedEvent(
            self.seq,
            SettingsEventType.SETTINGS_UPDATED,
            self.band,
            START_WALL_S,
            None,
            P1,
            value,
            running,
            list(fields),
        )
        self.tell(self.item(StreamName.SETTINGS, SettingsEvent(event)))

    def answer(self, verdict: Verdict, text: str = "", revision: int | None = None, **parts: Any) -> None:
        """How the patch that was sent last ended, 18 ms later."""
        patch_id = self.source.sent[-1].patch_id
        self.tell(PatchSent(self.now_s, self.wall_s, patch_id))
        self.now_s += 0.018
        self.tell(PatchEnded(self.now_s, self.wall_s, patch_id, verdict, text, revision, parts))
