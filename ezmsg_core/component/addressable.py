"""Things with a place in the graph: a name below a location."""

SEPARATOR = "/"


class Addressable:
    """Something with a name, from the class body that declares it, and a location, from the layout of a graph."""

    _name: str | None
    _location: list[str] | None

    def __init__(self) -> None:
        self._name = None
        self._location = None

    @property
    def name(self) -> str:
        """Last part of the address.

        Raises:
            AssertionError: it has no name yet.
        """
        if self._name is None:
            raise AssertionError(self._placeless("name"))
        return self._name

    @property
    def location(self) -> list[str]:
        """The names above this one, the outermost first.

        Raises:
            AssertionError: it has no place in a graph yet.
        """
        if self._location is None:
            raise AssertionError(self._placeless("location"))
        return self._location

    @property
    def address(self) -> str:
        """Location and name, joined by slashes; of a stream it is the topic.

        Raises:
            AssertionError: it has no place in a graph yet.
        """
        return SEPARATOR.join([*self.location, self.name])

    @property
    def has_name(self) -> bool:
        """Whether a class body or a graph has given it a name."""
        return self._name is not None

    @property
    def is_placed(self) -> bool:
        """Whether it has a place in a graph."""
        return self._location is not None

    def take_name(self, name: str) -> None:
        """Take the name that a class body gives it; it keeps the first one.

        Raises:
            TypeError: it has another one already.
        """
        if self._name not in (None, name):
            raise TypeError(
                f"One {type(self).__name__} is declared as {self._name} and as {name}. Declare one for each name."
            )
        self._name = name

    def place(self, name: str, location: list[str]) -> None:
        """Give it its place.

        Raises:
            AssertionError: it has one already; it stays there.
        """
        if self._location is not None:
            raise AssertionError(
                f"{self.address} cannot also be {SEPARATOR.join([*location, name])}: an instance has one place in one "
                f"graph. Make another {type(self).__name__} for each place and for each run."
            )
        self._name = name
        self._location = list(location)

    def displace(self) -> None:
        """Take its location away, so that it can be placed again."""
        self._location = None

    def _placeless(self, what: str) -> str:
        return (
            f"A {type(self).__name__} has no {what} before the graph that it is part of is laid out. Ask for it in "
            "network(), configure(), initialize() or later."
        )
