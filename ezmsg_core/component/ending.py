"""The exceptions by which a unit's function ends itself, or everything."""


class Complete(Exception):
    """Raised by a task or a subscriber: this function has nothing more to do.

    The graph ends when every function of every process has ended.
    """


class NormalTermination(Exception):
    """Raised by a task, a subscriber or the main function: the whole graph is to end, and nothing is wrong."""
