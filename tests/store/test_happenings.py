"""The list of what happened keeps what is worth knowing."""

from ezmsg_tui.store.happenings import HappeningLog, LineKind


def report(log: HappeningLog, address: str, text: str, seq: int = 1, *, is_trouble: bool = False) -> None:
    log.add(float(seq), LineKind.SETTINGS, text, seq=seq, actor=address, address=address, is_trouble=is_trouble)


def lines(log: HappeningLog) -> list[tuple[str, int]]:
    return [(line.text, line.count) for line in log.lines]


def test_what_units_report_of_themselves_again_and_again_takes_one_line_each() -> None:
    log = HappeningLog()
    for seq in range(5):
        report(log, "A", f"a{seq}", seq)
        report(log, "B", f"b{seq}", seq)
    assert lines(log) == [("a4", 5), ("b4", 5)]
    assert (log.lines[0].number, log.lines[0].seq, log.lines[0].wall_s) == (1, 4, 4.0)
    assert log.revision == 10 and log.total == 2


def test_a_report_after_something_else_takes_a_line_of_its_own() -> None:
    log = HappeningLog()
    report(log, "A", "a1")
    log.add(2.0, LineKind.SETTINGS, "changed by a person", actor="tui@rig", address="A")
    report(log, "A", "a2")
    report(log, "A", "a3")
    report(log, "A", "it failed", is_trouble=True)
    report(log, "A", "a4")
    assert lines(log) == [("a1", 1), ("changed by a person", 1), ("a3", 2), ("it failed", 1), ("a4", 1)]


def test_a_report_whose_line_is_no_longer_kept_begins_anew() -> None:
    log = HappeningLog(2)
    for address in ("A", "B", "C", "A", "C"):
        report(log, address, address)
    assert lines(log) == [("C", 2), ("A", 1)]
    assert log.dropped_total == 2


def test_a_copy_folds_on_its_own() -> None:
    log = HappeningLog()
    report(log, "A", "a1")
    twin = log.copy()
    report(twin, "A", "a2")
    report(log, "A", "a3")
    report(log, "A", "a4")
    assert (lines(twin), lines(log)) == ([("a2", 2)], [("a4", 3)])


def test_every_report_takes_a_line_where_all_are_asked_for() -> None:
    log = HappeningLog(folds_reports=False)
    report(log, "A", "a1")
    report(log, "A", "a2")
    assert lines(log) == [("a1", 1), ("a2", 1)]
