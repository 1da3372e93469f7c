"""What happens on topics, summed up: rates, histories, and the worst of waiting and holding."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from ezmsg_core.model.components import OutputStreamMetadata, UnitMetadata
from ezmsg_tui.present.figures import FigureBook, PublisherFigures, SubscriberFigures, wait_meaning
from ezmsg_tui.present.graph_index import GraphIndex
from ezmsg_tui.present.naming import path_cell
from ezmsg_tui.present.table import Cell
from ezmsg_tui.present.text import rate_text, share_text, sparkline

SPARKS = 10  # steps of the last minute; what fits beside a name
SHARE_SHOWN = 0.01  # of the time: less is noise
SEVERITY = {"": 0, "dim": 0, "ok": 1, "pending": 2, "warning": 3, "error": 4}
"""How meanings compare, so that the worst of several can be shown."""

OK = Cell("●", "ok")
IDLE = Cell("⊘ idle", "dim")
NOTHING = Cell("")

Figures = list[PublisherFigures] | list[SubscriberFigures]


class Traffic:
    """The figures of one moment, by topic."""

    def __init__(self, index: GraphIndex, figures: FigureBook) -> None:
        self._index = index
        self._figures = figures

    def publishers(self, topics: Iterable[str]) -> list[PublisherFigures]:
        """Figures of those who publish to topics."""
        known, of_topic = self._figures.publishers, self._index.publishers_of
        return [known[p.endpoint_id] for t in topics for p in of_topic.get(t, ()) if p.endpoint_id in known]

    def subscribers(self, topics: Iterable[str]) -> list[SubscriberFigures]:
        """Figures of those who read topics."""
        known, of_topic = self._figures.subscribers, self._index.subscribers_of
        return [known[s.endpoint_id] for t in topics for s in of_topic.get(t, ()) if s.endpoint_id in known]

    def fingerprint(self, topics: list[str]) -> tuple[object, ...]:
        """What `cells` and `state` depend on: equal ones give equal cells."""
        subscribers = self.subscribers(topics)
        holds = tuple(self._figures.holds_by.get(f.counters.endpoint_id) for f in subscribers)
        return tuple(self.publishers(topics)), tuple(subscribers), holds

    def cells(self, topics: list[str]) -> tuple[Cell, Cell]:
        """Rate and history of what is published to topics, or received where nothing is an output."""
        figures = self.publishers(filter(self.is_output, topics)) or self.subscribers(topics)
        return Cell(total_rate(figures), "rate"), Cell(total_history(figures), "spark")

    def state(self, topics: list[str]) -> Cell:
        """The worst of what happens on topics."""
        publishers, subscribers = self.publishers(topics), self.subscribers(topics)
        wait = max((f.wait_share or 0.0 for f in publishers), default=0.0)
        hold = max((self._hold(f) for f in subscribers), default=0.0)
        worst = max(wait, hold)
        if worst >= SHARE_SHOWN:
            meaning = wait_meaning(worst) or "ok"
            glyph = {"error": "✖", "warning": "▲"}.get(meaning, "●")
            return Cell(f"{glyph} {'holds' if hold >= wait else 'waits'} {share_text(worst)}", meaning)
        is_moving = any(f.rate_hz for f in publishers) or any(f.rate_hz for f in subscribers)
        return OK if is_moving or not (publishers or subscribers) else IDLE

    def is_output(self, topic: str) -> bool:
        """Whether a topic is declared as an output; of one that is not declared, whether anybody publishes to it.

        A unit publishes to its own input where its settings are changed from outside.
        """
        metadata = self._index.components.get(self._index.component_of(topic))
        streams = metadata.streams.values() if isinstance(metadata, UnitMetadata) else ()
        declared = next((stream for stream in streams if stream.address == topic), None)
        if declared is not None:
            return isinstance(declared, OutputStreamMetadata)
        return bool(self._index.publishers_of.get(topic))

    def output_cells(self, topic: str, process_id: UUID | None = None) -> tuple[Cell, ...]:
        """Peers, rate, history and state of a topic that is published to, by one process or by all."""
        publishers = [f for f in self.publishers([topic]) if process_id in (None, f.process_id)]
        peers = Cell(f"▶ {len(self._index.reached_subscribers(topic))}", "dim")
        return (
            peers,
            Cell(total_rate(publishers), "rate"),
            Cell(total_history(publishers), "spark"),
            _output_state(publishers),
        )

    def input_cells(self, topic: str, process_id: UUID | None = None) -> tuple[Cell, ...]:
        """Peers, rate, history and state of a topic that is read, by one process or by all."""
        subscribers = [f for f in self.subscribers([topic]) if process_id in (None, f.process_id)]
        peers = Cell(f"◀ {len(self._index.reaching_publishers(topic))}", "dim")
        return (
            peers,
            Cell(total_rate(subscribers), "rate"),
            Cell(total_history(subscribers), "spark"),
            self._input_state(subscribers),
        )

    def _hold(self, figures: SubscriberFigures) -> float:
        return self._figures.holding_share(figures.counters.endpoint_id) or 0.0

    def _input_state(self, subscribers: list[SubscriberFigures]) -> Cell:
        if not subscribers:
            return NOTHING
        worst = max(subscribers, key=self._hold)
        hold = self._hold(worst)
        if hold >= SHARE_SHOWN:
            return Cell(f"{worst.path.value} holds {share_text(hold)}", wait_meaning(hold))
        if worst.counters.is_leaky and worst.drop_rate_hz:
            return Cell(f"{worst.path.value} drops {rate_text(worst.drop_rate_hz)}/s", "dim")
        return path_cell(worst.path)


def total_rate(figures: Figures) -> str:
    """The sum of the known rates."""
    rates = [f.rate_hz for f in figures if f.rate_hz is not None]
    return rate_text(sum(rates)) if rates else rate_text(None)


def total_history(figures: Figures) -> str:
    """The sum of the known rates in each step of the last minute."""
    if not figures:
        return ""
    columns = zip(*(f.history.steps(SPARKS) for f in figures), strict=True)
    sums = [sum(known) if (known := [v for v in column if v is not None]) else None for column in columns]
    return sparkline(sums)


def _output_state(publishers: list[PublisherFigures]) -> Cell:
    if not publishers:
        return NOTHING
    worst = max(publishers, key=lambda figures: figures.wait_share or 0.0)
    flight = f"{worst.counters.in_flight}/{worst.counters.num_buffers}"
    if worst.counters.is_paused:
        return Cell(f"{flight} paused", "pending")
    wait = worst.wait_share or 0.0
    return Cell(f"{flight} waits {share_text(wait)}" if wait >= SHARE_SHOWN else flight, wait_meaning(wait))
