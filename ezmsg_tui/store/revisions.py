"""Which keys of a slice changed, and when: a number for the whole and one for each key."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")


class Revisions(Generic[K]):
    """Counts changes. A reader that kept a key's number knows whether the key changed since."""

    def __init__(self) -> None:
        self._current = 0
        self._by_key: dict[K, int] = {}

    @property
    def current(self) -> int:
        """Number of the newest change of any key."""
        return self._current

    def of(self, key: K) -> int:
        """Number of the newest change of the key; 0 if there was none, or the key is gone."""
        return self._by_key.get(key, 0)

    def touch(self, key: K) -> None:
        """The key came or changed."""
        self._current += 1
        self._by_key[key] = self._current

    def forget(self, key: K) -> None:
        """The key is gone, which is a change of the whole."""
        self._current += 1
        self._by_key.pop(key, None)

    def touch_all(self) -> None:
        """Something changed that belongs to no key."""
        self._current += 1

    def copy(self) -> Revisions[K]:
        """The same numbers, apart from this."""
        twin: Revisions[K] = Revisions()
        twin._current = self._current
        twin._by_key = dict(self._by_key)
        return twin
