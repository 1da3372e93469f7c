"""Writes `docs/protocol.md` from the types that travel; a test holds the page to them.

python docs/make_protocol.py
"""

from __future__ import annotations

import enum
import inspect
import re
import types
import typing
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from ezmsg_core.config import LinkLimits
from ezmsg_core.graph.access import COMMAND_ROLES, FRAME_ROLES
from ezmsg_core.model.watching import WatchItem
from ezmsg_core.wire import answers, commands, frames, handshake
from ezmsg_core.wire.codec import MAX_DEPTH

PAGE = Path(__file__).with_name("protocol.md")

INTRODUCTION = f"""# The protocol

Written by `docs/make_protocol.py` from the types in `ezmsg_core.wire` and `ezmsg_core.model`.
[`examples/attach_with_msgpack.py`](../examples/attach_with_msgpack.py) is a client in forty lines without `ezmsg_core`.

## Connecting

A connection file (`graph-PORT.json` in the runtime directory) is a JSON object: `unix` and `tcp` say where the server
listens, `keys` has a key in hexadecimal digits for each role, `protocol` is {handshake.PROTOCOL}.

| bytes | who | what |
| --- | --- | --- |
| {handshake.HELLO_BYTES} | client | magic `EZMSGCP\\0`, protocol number (16 bits, big-endian), role (1 observe, 2 control, 3 participate), a zero, {handshake.NONCE_BYTES} random bytes |
| {handshake.CHALLENGE_BYTES} | server | magic, protocol number, verdict ({", ".join(f"{v.value} {v.name.lower().replace('_', ' ')}" for v in handshake.Verdict)}), a zero, {handshake.NONCE_BYTES} random bytes, proof |
| {handshake.PROOF_BYTES} | client | proof |

The server's proof is HMAC-SHA256 with the role's key over `server`, the {handshake.HELLO_BYTES} bytes of the client and the
{handshake.CHALLENGE_BYTES - handshake.PROOF_BYTES} bytes before the proof; the client's is the same with `client`. Check the
server's before sending yours. All of it takes {LinkLimits().handshake_s:g} s at most.

After that, both directions are MessagePack maps, one after another. `frame` names the kind of each; its other keys are the
fields below. Fields with a default may be left out. What a client sends may have no other keys; what a server sends may
have new ones, which are to be passed over. UUIDs and enums are texts, bytes are `bin`, times are seconds since 1970. A frame
is at most {LinkLimits().observer_frame_bytes >> 10} KiB long from those who look or control, {LinkLimits().participant_frame_bytes >> 20} MiB from participants,
{LinkLimits().client_frame_bytes >> 20} MiB from the server, and at most {MAX_DEPTH} levels deep.

The client's first frame is `hello`, the server's `welcome`. Every `ask` ends with exactly one `answered` or `faulted` of
the same `id`, unless a `forget` takes it back, after which it may end without. Send `alive` every `heartbeat_s` of the welcome. Items of a watch are `pushed` while there is credit, of
which every watch has {LinkLimits().watch_items} at first; `credit` grants more.
"""


_GROUPS = {
    commands.Command: "a [command](#commands)",
    answers.Answer: "an [answer](#answers)",
    WatchItem: "an [item](#items-of-watches)",
}
_UNIONS = (frames.ClientFrame, frames.ServerFrame, commands.Command, answers.Answer, WatchItem)
_TAGGED = {kind for union in _UNIONS for kind in typing.get_args(union)}
_NAMES: dict[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    bytes: "bytes",
    UUID: "UUID",
    Any: "any",
    type(None): "nil",
    msgspec.Raw: "any",
}


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole page."""
    seen: dict[str, type] = {}
    sections = [
        INTRODUCTION,
        _section("Frames of clients", frames.ClientFrame, "frame", FRAME_ROLES),
        _section("Frames of the server", frames.ServerFrame, "frame", {}),
        _section("Commands", commands.Command, "command", COMMAND_ROLES),
        _section("Answers", answers.Answer, "answer", {}),
        _section("Items of watches", WatchItem, "item", {}),
    ]
    for union in (frames.ClientFrame, frames.ServerFrame):
        for kind in typing.get_args(union):
            _collect(kind, seen)
    records: list[Any] = [kind for _, kind in sorted(seen.items()) if kind not in _TAGGED]
    sections.append("## Records\n\n" + "\n".join(_record(kind) for kind in records if not issubclass(kind, enum.Enum)))
    sections.append("## Enums\n\n" + "\n".join(_enum(kind) for kind in records if issubclass(kind, enum.Enum)))
    return "\n".join(sections).rstrip() + "\n"


def _section(title: str, union: Any, tag_field: str, roles: dict[Any, Any]) -> str:
    parts = [f"## {title}\n"]
    for kind in typing.get_args(union):
        role = f" Least role: {roles[kind].value}." if kind in roles else ""
        parts.append(f"### `{tag_field}: {kind.__struct_config__.tag}`\n\n{_text_of(kind)}{role}\n\n{_fields(kind)}")
    return "\n".join(parts)


def _record(kind: type) -> str:
    tag = kind.__struct_config__.tag  # type: ignore[attr-defined]
    title = f"### {kind.__name__}\n\n"
    named = f" `{kind.__struct_config__.tag_field}: {tag}`." if tag else ""  # type: ignore[attr-defined]
    return f"{title}{_text_of(kind)}{named}\n\n{_fields(kind)}"


def _enum(kind: type[enum.Enum]) -> str:
    return f"**{kind.__name__}**: " + ", ".join(f"`{member.value}`" for member in kind) + "\n"


def _text_of(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())


def _fields(kind: type) -> str:
    described = msgspec.structs.fields(kind)  # type: ignore[arg-type]
    if not described:
        return ""
    comments = _comments(kind)
    rows = ["| field | type | default | |", "| --- | --- | --- | --- |"]
    hints = typing.get_type_hints(kind)
    for field in described:
        default = "" if field.required else f"`{_default(field)}`"
        note = comments.get(field.name, "").replace("|", "\\|")
        rows.append(f"| `{field.encode_name}` | {_type_text(hints[field.name])} | {default} | {note} |")
    return "\n".join(rows) + "\n"


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is msgspec.NODEFAULT:
        return "[]" if field.default_factory is list else "{}"
    value = field.default.value if isinstance(field.default, enum.Enum) else field.default
    return {"None": "nil", "True": "true", "False": "false"}.get(repr(value), repr(value))


def _comments(kind: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if not issubclass(base, msgspec.Struct) or base is msgspec.Struct:
            continue
        for match in re.finditer(r"^    (\w+): [^#\n]*#\s*(.+)$", inspect.getsource(base), flags=re.MULTILINE):
            found[match[1]] = re.sub(r"\s*(noqa|pyright|type): ?.*", "", match[2])
    return found


def _type_text(annotation: Any) -> str:
    """The type as a reader of another language would say it."""
    if annotation in _NAMES:
        return _NAMES[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _GROUPS:
        return _GROUPS[annotation]
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type_text(argument) for argument in arguments)
    if origin in (list, tuple):
        inner = [_type_text(argument) for argument in arguments if argument is not Ellipsis]
        is_uniform = origin is list or arguments[-1] is Ellipsis
        return f"array of {inner[0]}" if is_uniform else f"array ({', '.join(inner)})"
    if origin is dict:
        return f"map of {_type_text(arguments[0])} to {_type_text(arguments[1])}"
    name = str(getattr(annotation, "__name__", annotation))
    is_record = isinstance(annotation, type) and issubclass(annotation, msgspec.Struct)
    return f"[{name}](#{name.lower()})" if is_record and annotation not in _TAGGED else name


def _collect(annotation: Any, seen: dict[str, type]) -> None:
    """Note every record and enum that an annotation leads to."""
    for argument in typing.get_args(annotation):
        _collect(argument, seen)
    kind: Any = annotation
    if not isinstance(annotation, type) or kind.__name__ in seen:
        return
    if issubclass(kind, enum.Enum):
        seen[kind.__name__] = kind
    elif issubclass(kind, msgspec.Struct) or hasattr(kind, "_fields"):
        seen[kind.__name__] = kind
        for hint in typing.get_type_hints(kind).values():
            _collect(hint, seen)


if __name__ == "__main__":
    main()
