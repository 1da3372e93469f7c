"""Text for a terminal: foreign strings made harmless, and numbers in fixed widths."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence

UNKNOWN = "-"
"""What an unknown number looks like; never 0."""

_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b[\[\]PX^_]|[\x9b\x9d\x90\x98\x9e\x9f])"  # the openers of control sequences and control strings
    r"(?:[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e])?"  # parameters and the final byte, so that no `[31m` stays behind
    r"|\x1b."
)
_SPACES = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_HARMFUL_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 2  # on one letter; more than that is drawn over the lines around it
_SPARK_GLYPHS = "▁▂▃▄▅▆▇█"
_LEAST_ADDRESS = 12  # cells that other words leave to an address; less says nothing
_HEADROOM = 8 / 7
_BAR_GLYPHS = " ▏▎▍▌▋▊▉"
# Factor, letter, and from which part of the factor it is used: from what rounds up to it, but `0.50`, not `500m`.
_PREFIXES = (
    (1e12, "T", 0.9995),
    (1e9, "G", 0.9995),
    (1e6, "M", 0.9995),
    (1e3, "k", 0.9995),
    (1.0, "", 0.09995),
    (1e-3, "m", 0.9995),
    (1e-6, "µ", 0.9995),
    (1e-9, "n", 0.9995),
)


def safe_text(text: str, limit: int = 200) -> str:
    """Text that cannot steer a terminal, and is no longer than `limit` characters.

    Escape sequences, control characters, bidirectional and other invisible controls are dropped; line breaks and
    tabs become one space. A text that is cut ends in `…`.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    window = text[: limit * 4 + 16]  # bounds the work on a text of any length
    window = _SPACES.sub(" ", _ESCAPE_SEQUENCE.sub("", window))
    if not (window.isascii() and window.isprintable()):
        window = "".join(_harmless(window))
    if len(window) > limit or len(text) > limit * 4 + 16:
        return window[: max(0, limit - 1)] + "…"
    return window


def _harmless(text: str) -> list[str]:
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        if category in _HARMFUL_CATEGORIES:
            continue
        marks = marks + 1 if category in _MARKS else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return kept


def magnitude_text(value: float | None, unit: str = "") -> str:
    """Three figures and a decimal prefix, such as `512.0`, `1.24k`, `41.0m`; at most 6 characters before the unit."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if value == 0:
        return f"0.0{unit}"
    size = abs(value)
    fitting = (prefix for prefix in _PREFIXES if size >= prefix[0] * prefix[2])
    factor, letter, _ = next(fitting, (1.0, "", 0.0))
    scaled = value / factor
    digits = 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 or factor <= 1.0 else 0
    return f"{scaled:.{digits}f}{letter}{unit}"


def rate_text(hz: float | None) -> str:
    """Events a second, at most 6 characters: `512.0`, `20.0`, `1.24k`, `0.50`, `-`."""
    if hz is None or math.isnan(hz):
        return UNKNOWN
    if hz < 0.005:
        return "0.0"
    if hz < 9.995:
        return f"{hz:.2f}" if hz < 0.995 else f"{hz:.1f}"
    return f"{hz:.1f}" if hz < 999.95 else magnitude_text(hz)


def duration_text(wait_ns: float | None) -> str:
    """A length of time, at most 7 characters: `41.0ms`, `1.95ms`, `3.2s`, `12m`, `-`."""
    if wait_ns is None or math.isnan(wait_ns):
        return UNKNOWN
    seconds = wait_ns / 1e9
    if seconds >= 5400:
        return f"{seconds / 3600:.1f}h"
    if seconds >= 90:
        return f"{seconds / 60:.0f}m"
    if seconds >= 0.99995:
        return f"{seconds:.1f}s"
    for factor, unit in ((1e6, "ms"), (1e3, "µs")):
        if wait_ns >= factor * 0.9995:
            scaled = wait_ns / factor
            return f"{scaled:.1f}{unit}" if scaled >= 9.995 else f"{scaled:.2f}{unit}"
    return f"{wait_ns:.0f}ns" if wait_ns else "0"


def size_text(size_bytes: float | None) -> str:
    """A number of bytes in binary units, at most 6 characters: `512B`, `64.0K`, `1.2G`, `-`."""
    if size_bytes is None or math.isnan(size_bytes):
        return UNKNOWN
    scaled = float(size_bytes)
    for unit in ("B", "K", "M", "G", "T"):
        if scaled < 1023.95 or unit == "T":
            return f"{scaled:.0f}{unit}" if unit == "B" or scaled >= 99.95 else f"{scaled:.1f}{unit}"
        scaled /= 1024
    raise AssertionError("unreachable: the last unit takes any size")


def count_text(count: int | None) -> str:
    """A count with separators of thousands; above 10 characters a prefix takes their place."""
    if count is None:
        return UNKNOWN
    text = f"{count:,}"
    return text if len(text) <= 10 else magnitude_text(count)


def counted(count: int, noun: str) -> str:
    """So many of something: `1 process`, `14 units`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}{'es' if noun.endswith('s') else 's'}"


def share_text(share: float | None) -> str:
    """A part of a whole from 0.0 to 1.0, as a percentage of at most 4 characters: `31%`, `<1%`, `-`."""
    if share is None or math.isnan(share):
        return UNKNOWN
    if 0 < share < 0.01:
        return "<1%"
    return f"{min(max(share, 0.0), 1.0) * 100:.0f}%"


def ago_text(seconds: float | None) -> str:
    """A rough age, at most 5 characters, that changes seldom: `0.4 s`, `12 s`, `3 m`, `2 h`, `4 d`."""
    if seconds is None or math.isnan(seconds):
        return UNKNOWN
    if seconds < 1:
        return f"{max(seconds, 0.0):.1f} s"
    for factor, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= factor * (2 if unit == "m" else 1):
            return f"{seconds / factor:.0f} {unit}"
    return f"{seconds:.0f} s"


def elided_address(address: str, width: int, measure: Callable[[str], int] = len) -> str:
    """An address in at most `width` cells: `…/BANDPASS/OUTPUT`. The first parts give way, the last one stays.

    Args:
        address: Parts with slashes between them; more words may follow the last one.
        width: At least 1.
        measure: How many cells a text takes.
    """
    if measure(address) <= width:
        return address
    parts = address.split("/")
    for first in range(1, len(parts)):
        tail = f"…/{'/'.join(parts[first:])}"
        if measure(tail) <= width:
            return tail
    return _without_middle(parts[-1], width, measure)


def elided_addresses(text: str, width: int, measure: Callable[[str], int] = len) -> str:
    """A text in `width` cells if the addresses in it can give way for so much; otherwise as short as they allow."""
    excess = measure(text) - width
    if excess <= 0:
        return text
    words = text.split(" ")
    for index in sorted((i for i, word in enumerate(words) if "/" in word), key=lambda i: -len(words[i])):
        if excess > 0:
            before = measure(words[index])
            words[index] = elided_address(words[index], max(_LEAST_ADDRESS, before - excess), measure)
            excess -= before - measure(words[index])
    return " ".join(words)


def _without_middle(text: str, width: int, measure: Callable[[str], int]) -> str:
    if measure(text) <= width:
        return text
    head, tail = text[: width // 2], text[len(text) - (width - 1) // 2 :]
    while head and measure(head) + measure(tail) + 1 > width:  # characters that take two cells
        head, tail = head[:-1], tail[1:]
    return f"{head}…{tail}"


def sparkline(values: Sequence[float | None], ceiling: float | None = None) -> str:
    """One glyph of eight heights for each value, a space for an unknown one.

    Args:
        values: From the oldest to the newest.
        ceiling: The value drawn at full height; by default a little above the highest, so that steady figures in
            rows one above the other do not run into one block.
    """
    known = [value for value in values if value is not None]
    top = ceiling if ceiling is not None else max(known, default=0.0) * _HEADROOM
    glyphs: list[str] = []
    for value in values:
        if value is None:
            glyphs.append(" ")
        elif top <= 0 or value <= 0:
            glyphs.append(_SPARK_GLYPHS[0])
        else:
            glyphs.append(_SPARK_GLYPHS[min(7, int(value / top * 7.999))])
    return "".join(glyphs)


def bar(share: float | None, width: int) -> str:
    """A horizontal bar of exactly `width` characters, in eighths of a character."""
    if share is None or math.isnan(share):
        return " " * width
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    if share > 0 and eighths == 0:
        eighths = 1
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_BAR_GLYPHS[rest] if rest else "")).ljust(width)
