"""What a terminal shows, from the bytes that a program has written to it: as much of one as the inspector needs."""

from __future__ import annotations

import codecs
import re

_SEQUENCE = re.compile(
    r"\x1b\[(?P<private>[?<>=]?)(?P<parameters>[0-9;:]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles and the like
    r"|\x1bP[^\x1b]*\x1b\\"
    r"|\x1b[ -/]*[0-Z\\^-~]"
)
_LONGEST = 200_000  # characters of a sequence that has not ended yet: a copied text


class DrawnScreen:
    """A grid of characters; colours are not kept, and every character takes one cell."""

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._x = self._y = 0
        self._cells = self._blank()
        self._cells_before: list[list[str]] | None = None

    @property
    def text(self) -> str:
        """What is shown, without the spaces at the ends of lines."""
        return "\n".join("".join(line).rstrip() for line in self._cells)

    def resize(self, width: int, height: int) -> None:
        """Another size; what was drawn is gone."""
        self._size = width, height
        self._x = self._y = 0
        self._cells = self._blank()

    def feed(self, received: bytes) -> None:
        """Take in what the program wrote."""
        text, self._rest = self._rest + self._decoder.decode(received), ""
        place = 0
        while place < len(text):
            character = text[place]
            if character != "\x1b":
                self._put(character)
                place += 1
                continue
            found = _SEQUENCE.match(text, place)
            if found is None:
                assert len(text) - place < _LONGEST, f"not a sequence: {text[place : place + 40]!r}"
                self._rest = text[place:]
                return
            if found["final"]:
                self._obey(found["private"], found["parameters"], found["final"])
            place = found.end()

    def _put(self, character: str) -> None:
        width, height = self._size
        if character == "\r":
            self._x = 0
        elif character == "\n":
            if self._y == height - 1:
                self._cells = [*self._cells[1:], [" "] * width]
            self._y = min(self._y + 1, height - 1)
        elif character == "\b":
            self._x = max(0, self._x - 1)
        elif character >= " ":
            if self._x >= width:
                self._x = 0
                self._put("\n")
            self._cells[self._y][self._x] = character
            self._x += 1

    def _obey(self, private: str, parameters: str, final: str) -> None:
        numbers = [int(number) if number else 0 for number in re.split("[;:]", parameters)]
        width, height = self._size
        match private, final:
            case "", "H":
                y, x = (*numbers, 0)[:2]
                self._y, self._x = min(max(y, 1), height) - 1, min(max(x, 1), width) - 1
            case "", "A":
                self._y = max(0, self._y - max(1, numbers[0]))
            case "", "C":
                self._x = min(width - 1, self._x + max(1, numbers[0]))
            case "", "J":
                self._cells = self._blank()
            case "", "K":
                self._cells[self._y][self._x :] = [" "] * (width - self._x)
            case "?", "h" if 1049 in numbers:
                self._cells_before, self._cells = self._cells, self._blank()
            case "?", "l" if 1049 in numbers:
                self._cells = self._cells_before or self._blank()
            case _:
                pass

    def _blank(self) -> list[list[str]]:
        width, height = self._size
        return [[" "] * width for _ in range(height)]
