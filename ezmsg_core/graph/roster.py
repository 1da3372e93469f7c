"""Who is linked, and what lives on each link."""

from collections.abc import Iterator
from uuid import UUID

from ezmsg_core.errors import UnknownRecordError
from ezmsg_core.graph.stimuli import LinkKey
from ezmsg_core.model.roles import Role


class Peer:
    """The other end of one link, with everything that goes when the link goes."""

    def __init__(
        self, link: LinkKey, link_id: UUID, role: Role, *, is_remote: bool, address: str, now_s: float
    ) -> None:
        self.link = link
        self.link_id = link_id  # process id of its first process, and of its endpoints
        self.role = role
        self.is_remote = is_remote
        self.address = address
        self.label = ""
        self.pid = 0
        self.host = ""
        self.has_said_hello = False
        self.sessions: set[str] = set()
        self.processes: set[UUID] = set()
        self.endpoints: set[str] = set()
        self.watches: set[int] = set()
        self.open_asks: set[int] = set()
        self.heard_s = now_s
        self.is_lagging = False  # let a wait for it run out, and has not spoken since
        self.sampling_s = 0.0  # interval it was told last


class Roster:
    """Peers by link."""

    def __init__(self) -> None:
        self._peers: dict[LinkKey, Peer] = {}

    def __iter__(self) -> Iterator[Peer]:
        return iter(self._peers.values())

    def __len__(self) -> int:
        return len(self._peers)

    def add(self, peer: Peer) -> None:
        """A new peer."""
        self._peers[peer.link] = peer

    def find(self, link: LinkKey) -> Peer | None:
        """The peer of a link, if it is still there."""
        return self._peers.get(link)

    def get(self, link: LinkKey) -> Peer:
        """The peer of a link that is there."""
        return self._peers[link]

    def remove(self, link: LinkKey) -> Peer | None:
        """Forget the peer of a link."""
        return self._peers.pop(link, None)


def unknown(kind: str, key: object) -> UnknownRecordError:
    """The refusal for a record that is not there, or lives on another link."""
    return UnknownRecordError(
        f"There is no {kind} {str(key)[:120]!r} on this link. It was closed, or belongs to another client.",
        kind=kind,
        key=str(key)[:120],
    )
