"""Rows by key, their order, and the cursor that stays on its row; no screen, no clock of its own."""

from __future__ import annotations

from collections.abc import Sequence

from ezmsg_tui.present.table import Row

ORDER_PERIOD_S = 0.5
"""Rows change places at most this often: faster cannot be followed by eye."""

HOLD_S = 3.0
"""So long after the cursor was moved, rows keep their places: the row under the cursor must not run away."""


class KeyedRows:
    """What a table holds, and where its cursor is."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.order: list[str] = []
        self.cursor_key = ""
        self.is_placed = False  # the cursor was put where it is; otherwise it stays on the first row, the most telling
        self._position: dict[str, int] = {}
        self._held_since = float("-inf")
        self._ordered_at = float("-inf")

    def __len__(self) -> int:
        return len(self.order)

    @property
    def cursor_row(self) -> Row | None:
        return self.rows.get(self.cursor_key)

    @property
    def cursor_index(self) -> int | None:
        return self._position.get(self.cursor_key)

    def at(self, index: int) -> Row | None:
        return self.rows[self.order[index]] if 0 <= index < len(self.order) else None

    def index_of(self, key: str) -> int | None:
        return self._position.get(key)

    def place(self, key: str) -> None:
        """Put the cursor on a row, to stay with it wherever it goes."""
        self.cursor_key, self.is_placed = key, True

    def hold(self, now: float) -> None:
        """Keep the order still from now on for a while."""
        self._held_since = now

    def replace(self, rows: Sequence[Row], now: float, *, may_hold: bool) -> bool:
        """Take over new rows; answers whether the cursor had to go to another row.

        Args:
            rows: In the order that is wanted.
            now: Seconds of a clock that never goes back.
            may_hold: Whether rows that are still there may keep their places for now; new ones then come at the end.
        """
        previous = self.order
        self.rows = {row.key: row for row in rows}
        wanted = list(self.rows)
        if wanted != previous:
            is_held = now - self._held_since < HOLD_S or now - self._ordered_at < ORDER_PERIOD_S
            if may_hold and is_held:
                kept = [key for key in previous if key in self.rows]
                known = set(kept)
                self.order = kept + [key for key in wanted if key not in known]
            else:
                self.order = wanted
                self._ordered_at = now
        old_position, self._position = self._position, {key: index for index, key in enumerate(self.order)}
        before = self.cursor_key
        self.is_placed = self.is_placed and bool(self.order)
        if not self.is_placed:
            self.cursor_key = self.order[0] if self.order else ""
        if self.cursor_key in self.rows:
            return self.cursor_key != before
        index = old_position.get(before, 0)
        self.cursor_key = self.order[min(index, len(self.order) - 1)] if self.order else ""
        return self.cursor_key != before

    def parent_of(self, key: str) -> str:
        """The nearest row above that is less deep; empty if there is none."""
        index = self._position.get(key)
        if index is None:
            return ""
        depth = self.rows[key].depth
        for above in reversed(self.order[:index]):
            if self.rows[above].depth < depth:
                return above
        return ""

    def nearest(self, address: str) -> str:
        """The key of the row of an address, or else of the closest one above it; empty if there is none."""
        best: Row | None = None
        for key in self.order:
            row = self.rows[key]
            if row.address == address:
                return key
            is_above = bool(row.address) and address.startswith(row.address + "/")
            if is_above and (best is None or len(row.address) > len(best.address)):
                best = row
        return best.key if best is not None else ""
