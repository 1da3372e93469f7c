"""What users may say when they create an endpoint, checked before anything is done."""

import difflib
import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ezmsg_core import config
from ezmsg_core.errors import ConfigError, LimitExceededError
from ezmsg_core.flow.mailbox import check_max_queue
from ezmsg_core.flow.window import check_num_buffers
from ezmsg_core.model.address import DEFAULT_HOST, is_loopback, normal_host

LINGER_S = 5.0  # for what a closing publisher has published; a living receiver takes it within milliseconds
VIEWER_LINGER_S = 0.2  # the same where only leaky subscribers would lose something
ATTACH_S = 2.0  # for one way to a publisher; a healthy one takes under a millisecond
MAX_TOPIC_BYTES = 512  # as the server has it

_log = logging.getLogger("ezmsg")

_PUBLISHER_KEYWORDS = (
    "host",
    "port",
    "buf_size",
    "num_buffers",
    "start_paused",
    "force_tcp",
    "allow_local",
)
_SUBSCRIBER_KEYWORDS = ("leaky", "max_queue")
_TOLERATED_BY_SUBSCRIBERS = frozenset({"host", "port", "buf_size"})  # streams hand them to both kinds of endpoints


class PublisherOptions(NamedTuple):
    """How a publisher is to publish."""

    num_buffers: int
    is_paused: bool
    is_tcp_forced: bool
    is_local_allowed: bool
    tcp: tuple[str, int] | None  # host and port of its own; None: the process's listener


class SubscriberOptions(NamedTuple):
    """How a subscriber is to receive."""

    max_queue: int | None  # of a leaky one; None: lossless


def publisher_options(
    *,
    host: str | None,
    port: int | None,
    num_buffers: int,
    start_paused: bool,
    force_tcp: bool | None,
    allow_local: bool | None,
) -> PublisherOptions:
    """Check the keywords of a publisher; None stands for what the environment says.

    Raises:
        ConfigError: a value cannot be used.
    """
    is_tcp_forced = config.force_tcp() if force_tcp is None else bool(force_tcp)
    is_local_allowed = config.allow_local() if allow_local is None else bool(allow_local)
    if is_tcp_forced and is_local_allowed:
        if allow_local:
            _log.info("force_tcp=True disables local delivery")
        is_local_allowed = False
    tcp = None
    if host is not None or port is not None:
        tcp = (_check_host(host), _check_port(port))
    return PublisherOptions(check_num_buffers(num_buffers), bool(start_paused), is_tcp_forced, is_local_allowed, tcp)


def subscriber_options(*, leaky: bool, max_queue: int | None, other: Mapping[str, object]) -> SubscriberOptions:
    """Check the keywords of a subscriber.

    Raises:
        ConfigError: a value cannot be used, or a keyword means nothing to a subscriber.
    """
    refuse_unknown("subscriber", {k: v for k, v in other.items() if k not in _TOLERATED_BY_SUBSCRIBERS})
    return SubscriberOptions(check_max_queue(max_queue) if leaky else None)


def refuse_unknown(kind: str, unknown: Mapping[str, object]) -> None:
    """Refuse keywords that mean nothing, naming what may have been meant.

    Args:
        kind: publisher or subscriber.
        unknown: keywords that are left over.

    Raises:
        ConfigError: there are any.
    """
    if not unknown:
        return
    known, others = _PUBLISHER_KEYWORDS, _SUBSCRIBER_KEYWORDS
    if kind == "subscriber":
        known, others = others, known
    name = next(iter(unknown))
    if name in others:
        hint = f"It is an option of {'subscribers' if kind == 'publisher' else 'publishers'}."
    else:
        hint = _nearest(name, known)
    raise ConfigError(f"A {kind} has no option {name!r}. {hint}", name=name, value=repr(unknown[name])[:80])


def check_topic(topic: str) -> str:
    """A topic that the server will take.

    Raises:
        ConfigError: it is no text, or empty.
        LimitExceededError: it is too long.
    """
    if not isinstance(topic, str) or not topic:  # pyright: ignore[reportUnnecessaryIsInstance] - users pass what they have
        raise ConfigError(f"{topic!r} is not a topic; give a text of at least one character.", name="topic")
    size = len(topic.encode("utf-8", "surrogatepass"))
    if size > MAX_TOPIC_BYTES:
        raise LimitExceededError(
            f"The topic {topic[:40]!r}… has {size} bytes; at most {MAX_TOPIC_BYTES} are allowed.",
            what="topic",
            limit=MAX_TOPIC_BYTES,
            size=size,
        )
    return topic


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(names)}."


def _check_host(host: str | None) -> str:
    name = normal_host(host or DEFAULT_HOST)
    if not is_loopback(name):
        raise ConfigError(
            f"A publisher cannot listen on {name}: other machines reach it, and messages are not encrypted. Leave "
            "`host` out, and reach the graph through `ssh -L`.",
            name="host",
            value=name,
        )
    return name


def _check_port(port: int | None) -> int:
    if port is None:
        return 0
    if type(port) is not int or not 0 <= port <= 65535:
        raise ConfigError(f"port is {port!r}; give a number from 0 to 65535.", name="port", value=repr(port))
    return port
