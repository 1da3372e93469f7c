"""How user code says that it is done."""


class Complete(Exception):
    """Ends the coroutine that raises it; the graph ends when all its coroutines have."""


class NormalTermination(Exception):
    """Ends the whole graph, in every process."""
