"""A graph machine on a stage: links speak, and what each of them hears is written down."""

from typing import Any

import msgspec

from ezmsg_core.errors import EzmsgError, error_from_fault
from ezmsg_core.graph.effects import CloseLink, Effect, EndServer, IssueTicket, Note, Send
from ezmsg_core.graph.limits import GraphLimits
from ezmsg_core.graph.machine import GraphMachine
from ezmsg_core.graph.stimuli import FrameReceived, LinkClosed, LinkOpened, Now, Ticked
from ezmsg_core.model.components import (
    CollectionMetadata,
    ComponentMetadata,
    DynamicSettingsMetadata,
    GraphMetadata,
    UnitMetadata,
)
from ezmsg_core.model.roles import Role
from ezmsg_core.wire import commands, frames
from ezmsg_core.wire.codec import FrameDecoder, encode

EPOCH = "00000000000040008000000000000001"


class Actor:
    """One link's client: what it asked, and what it heard."""

    def __init__(self, play: "Play", link: int, role: Role) -> None:
        self.play = play
        self.link = link
        self.role = role
        self.heard: list[Any] = []
        self.closed: CloseLink | None = None
        self._ask_id = 0
        self._decoder: FrameDecoder[Any] = FrameDecoder(frames.ServerFrame, max_frame_bytes=1 << 24)

    def hear(self, frame: object) -> None:
        """Take a frame as it would come over the wire."""
        self.heard += self._decoder.feed(encode(frame))

    def send(self, frame: frames.ClientFrame) -> None:
        """Send a frame as it would go over the wire."""
        decoder: FrameDecoder[Any] = FrameDecoder(frames.ClientFrame, max_frame_bytes=1 << 24)
        for received in decoder.feed(encode(frame)):
            self.play.stimulate(FrameReceived(self.link, received))

    def start(self, command: commands.Command) -> int:
        """Ask without waiting for the answer; return the ask's id."""
        self._ask_id += 1
        self.send(frames.Ask(self._ask_id, command))
        return self._ask_id

    def ended(self, ask_id: int) -> Any:
        """How an ask ended: its answer, its error, or None while it is in flight."""
        ends = [f for f in self.heard if isinstance(f, (frames.Answered, frames.Faulted)) and f.id == ask_id]
        assert len(ends) <= 1, "an ask ends exactly once"
        if not ends:
            return None
        if isinstance(ends[0], frames.Faulted):
            return error_from_fault(ends[0].code, ends[0].text, ends[0].parts)
        return ends[0].answer

    def ask(self, command: commands.Command) -> Any:
        """Ask for something that is answered at once; a refusal is raised."""
        end = self.ended(self.start(command))
        assert end is not None, f"{command} was not answered at once"
        if isinstance(end, EzmsgError):
            raise end
        return end

    def take(self, kind: type) -> list[Any]:
        """Frames of a kind that were heard since the last time, in order."""
        taken = [frame for frame in self.heard if isinstance(frame, kind)]
        self.heard = [frame for frame in self.heard if not isinstance(frame, kind)]
        return taken

    def items(self, watch_id: int) -> list[Any]:  # a script asks of an item what it expects it to be
        """Items of a watch that were heard since the last time."""
        pushed = [f for f in self.heard if isinstance(f, frames.Pushed) and f.watch_id == watch_id]
        self.heard = [f for f in self.heard if f not in pushed]
        return [frame.item for frame in pushed]

    def leave(self) -> None:
        """The link goes."""
        self.play.leave(self)


class Play:
    """A machine, its clock and its actors."""

    def __init__(self, **limits: Any) -> None:
        self.machine = GraphMachine(
            epoch=EPOCH, graph_id="test", pid=1, host="stage", limits=msgspec.structs.replace(GraphLimits(), **limits)
        )
        self.now_s = 100.0
        self.actors: dict[int, Actor] = {}
        self.tickets: list[IssueTicket] = []
        self.notes: list[str] = []
        self.ended: EndServer | None = None
        self._links = 0

    def enter(self, role: Role = Role.PARTICIPATE, *, label: str = "actor", is_remote: bool = False) -> Actor:
        """A new link that has said hello."""
        self._links += 1
        actor = self.actors[self._links] = Actor(self, self._links, role)
        self.stimulate(LinkOpened(actor.link, role, is_remote, f"peer {actor.link}"))
        actor.send(frames.Hello(label, 1000 + actor.link, "stage"))
        return actor

    def leave(self, actor: Actor) -> None:
        """A link goes."""
        del self.actors[actor.link]
        self.stimulate(LinkClosed(actor.link, "left"))

    def wait(self, seconds: float) -> None:
        """Let time pass, ticking whenever the machine wants it."""
        end_s = self.now_s + seconds
        while True:
            due_s = self.machine.next_deadline()
            if due_s is None or due_s > end_s:
                self.now_s = end_s
                return
            self.now_s = max(due_s, self.now_s)
            self.stimulate(Ticked())

    def stimulate(self, stimulus: Any) -> None:
        """Give the machine a stimulus and carry out the effects."""
        effects = self.machine.handle(stimulus, Now(self.now_s, 1_000_000.0 + self.now_s))
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(link, frame):
                self.actors[link].hear(frame)
            case IssueTicket():
                self.tickets.append(effect)
            case CloseLink(link):
                self.actors[link].closed = effect
                self.leave(self.actors[link])
            case EndServer():
                self.ended = effect
            case Note(text):
                self.notes.append(text)


def unit(address: str, **settings: Any) -> UnitMetadata:
    """A unit with these initial settings."""
    return UnitMetadata(
        address=address,
        name=address.rpartition("/")[2],
        component_type="stage.Unit",
        settings_type="stage.Settings",
        initial_settings=(None, settings),
        dynamic_settings=DynamicSettingsMetadata(True, f"{address}/INPUT_SETTINGS", "stage.Settings"),
        settings_schema=None,
        streams={},
        tasks=[],
        main=None,
        threads=[],
    )


def metadata(*components: ComponentMetadata) -> GraphMetadata:
    """What a session declares."""
    return GraphMetadata(1, None, {c.address: c for c in components})  # pyright: ignore[reportArgumentType]


__all__ = ["EPOCH", "Actor", "CollectionMetadata", "Play", "metadata", "unit"]
