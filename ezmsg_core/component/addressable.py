"""Things with a place in the graph: a name below a location."""


class Addressable:
    """Has no address until the graph is laid out."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._location: list[str] | None = None

    @property
    def name(self) -> str:
        """Last part of the address."""
        assert self._name is not None, f"{type(self).__name__} has no name before the graph is laid out"
        return self._name

    @property
    def location(self) -> list[str]:
        """The parts of the address before the name."""
        assert self._location is not None, f"{type(self).__name__} has no location before the graph is laid out"
        return self._location

    @property
    def address(self) -> str:
        """Where it is in the graph, such as ``ROOT/COLLECTION/UNIT``."""
        return "/".join([*self.location, self.name])

    @property
    def is_placed(self) -> bool:
        """Whether it has an address."""
        return self._name is not None and self._location is not None

    def place(self, name: str, location: list[str]) -> None:
        """Give it its address."""
        self._name = name
        self._location = list(location)
