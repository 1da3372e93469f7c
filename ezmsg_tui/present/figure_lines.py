"""The figures of a process, a publisher or a subscriber as the lines of a sheet."""

from __future__ import annotations

from ezmsg_core.model.topology import PublisherRecord, SubscriberRecord
from ezmsg_tui.present.figures import PublisherFigures, SubscriberFigures, wait_meaning
from ezmsg_tui.present.naming import path_cell
from ezmsg_tui.present.sheet import SheetLine
from ezmsg_tui.present.table import Cell
from ezmsg_tui.present.text import (
    bar,
    count_text,
    counted,
    duration_text,
    rate_text,
    safe_text,
    share_text,
    size_text,
    sparkline,
)
from ezmsg_tui.store.profiles import ProcessMeter

SPARKS = 30  # steps of the last minute; what fits in a sheet beside its label


def process_lines(meter: ProcessMeter | None) -> list[SheetLine]:
    """What a process takes of its machine."""
    if meter is None:
        return [SheetLine("cpu", (Cell("-", "dim"),))]
    profile = meter.profile
    busy = "warning" if profile.cpu_percent >= 90 else ""
    return [
        SheetLine("cpu", (Cell(f"{profile.cpu_percent:.0f}%", busy), Cell("of a core", "dim"))),
        SheetLine("memory", (Cell(size_text(profile.rss_bytes)),)),
        SheetLine("loop lag", (Cell(duration_text(profile.loop_lag_ns)), Cell("at worst", "dim"))),
    ]


def publisher_lines(record: PublisherRecord, figures: PublisherFigures | None) -> list[SheetLine]:
    """What a publisher sends, keeps and waits for."""
    if figures is None:
        return [SheetLine("publishes", (Cell("no figures yet", "dim"),))]
    counters = figures.counters
    level = counters.in_flight / counters.num_buffers if counters.num_buffers else None
    wait = wait_meaning(figures.wait_share)
    lines = [
        SheetLine("publishes", _rate_cells(figures)),
        SheetLine("messages", (Cell(count_text(counters.published_total)),)),
        SheetLine("bytes", (Cell(f"{size_text(figures.bytes_per_s)}/s"),)),
        SheetLine("in flight", (Cell(f"{counters.in_flight}/{counters.num_buffers}"), Cell(bar(level, 12), "spark"))),
        SheetLine(
            "waited",
            (
                Cell(share_text(figures.wait_share), wait),
                Cell(duration_text(counters.wait_ns) if counters.wait_count else ""),
                Cell(f"in {counted(counters.wait_count, 'wait')}" if counters.wait_count else "never", "dim"),
            ),
        ),
    ]
    if counters.is_paused:
        lines.append(SheetLine("", (Cell("paused", "pending"),)))
    if record.addresses:
        lines.append(SheetLine("listens", tuple(Cell(safe_text(a, 60), "dim") for a in record.addresses[:2])))
    return lines


def subscriber_lines(
    record: SubscriberRecord, figures: SubscriberFigures | None, share: float | None
) -> list[SheetLine]:
    """What a subscriber gets, keeps, lets go and holds up."""
    if figures is None:
        return [SheetLine("receives", (Cell("no figures yet", "dim"),))]
    counters = figures.counters
    limit = f"/{counters.max_queue}" if counters.max_queue is not None else ""
    by = (Cell("by", "dim"), path_cell(figures.path)) if counters.received_total else ()
    lines = [
        SheetLine("receives", _rate_cells(figures)),
        SheetLine("messages", (Cell(count_text(counters.received_total)), *by)),
        SheetLine("bytes", (Cell(f"{size_text(figures.bytes_per_s)}/s"),)),
        SheetLine("queue", (Cell(f"{counters.queue_depth}{limit}"),)),
        SheetLine("busy", (Cell(share_text(figures.busy_share)), Cell("of the time", "dim"))),
    ]
    if record.is_leaky:
        drops = (
            Cell(f"{rate_text(figures.drop_rate_hz)}/s"),
            Cell(f"{count_text(counters.dropped_total)} in all", "dim"),
        )
        lines.append(SheetLine("drops", drops))
    else:
        lines.append(
            SheetLine("blocks", (Cell(share_text(share), wait_meaning(share)), Cell("of a publisher's time", "dim")))
        )
    if counters.error_total:
        lines.append(SheetLine("errors", (Cell(f"{count_text(counters.error_total)} messages not decoded", "error"),)))
    return lines


def _rate_cells(figures: PublisherFigures | SubscriberFigures) -> tuple[Cell, ...]:
    history = sparkline(figures.history.steps(SPARKS)).lstrip()
    return Cell(f"{rate_text(figures.rate_hz)}/s", "rate"), Cell(history, "spark")
