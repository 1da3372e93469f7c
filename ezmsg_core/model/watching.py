"""What a watch delivers: a state, then its changes, with every hole named."""

import enum

from ezmsg_core.model.profiles import ProcessProfile
from ezmsg_core.model.record import Record
from ezmsg_core.model.settings import SettingsChangedEvent, SettingsState
from ezmsg_core.model.topology import TopologyChangedEvent, TopologyState


class StreamName(enum.StrEnum):
    """What can be watched."""

    TOPOLOGY = "topology"
    SETTINGS = "settings"
    PROFILING = "profiling"


class Gap(Record, frozen=True, tag_field="item", tag="gap"):
    """Events that this watcher will not get; a state follows on topology and settings watches."""

    from_seq: int  # first one missing
    to_seq: int  # last one missing
    reason: str


class Resync(Record, frozen=True, tag_field="item", tag="resync"):
    """The server is another one than the watcher resumed from; a state follows."""

    epoch: str  # of this server
    reason: str


class Bookmark(Record, frozen=True, tag_field="item", tag="bookmark"):
    """Everything up to `revision` was delivered; also a sign of life, at least every 2 s."""

    revision: int


class TopologyListed(Record, frozen=True, tag_field="item", tag="topology"):
    """The whole graph; events after its revision follow."""

    state: TopologyState


class TopologyEvent(Record, frozen=True, tag_field="item", tag="topology_event"):
    """One step of the graph."""

    event: TopologyChangedEvent


class SettingsListed(Record, frozen=True, tag_field="item", tag="settings"):
    """All settings; events after its revision follow."""

    state: SettingsState


class SettingsEvent(Record, frozen=True, tag_field="item", tag="settings_event"):
    """One change of one component's settings."""

    event: SettingsChangedEvent


class ProfilesListed(Record, frozen=True, tag_field="item", tag="profiles"):
    """The newest profile of each process that reported one."""

    revision: int
    profiles: list[ProcessProfile]


class ProfileSampled(Record, frozen=True, tag_field="item", tag="profile"):
    """A new profile of one process."""

    seq: int
    profile: ProcessProfile


TopologyItem = TopologyListed | TopologyEvent | Gap | Resync | Bookmark
SettingsItem = SettingsListed | SettingsEvent | Gap | Resync | Bookmark
ProfilingItem = ProfilesListed | ProfileSampled | Gap | Resync | Bookmark
WatchItem = (
    TopologyListed
    | TopologyEvent
    | SettingsListed
    | SettingsEvent
    | ProfilesListed
    | ProfileSampled
    | Gap
    | Resync
    | Bookmark
)
