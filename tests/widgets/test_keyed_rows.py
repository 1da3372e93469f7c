"""Rows keep their key, and the cursor keeps its row."""

from hypothesis import given
from hypothesis import strategies as st

from ezmsg_tui.present.table import Cell, Row
from ezmsg_tui.widgets.keyed_rows import HOLD_S, ORDER_PERIOD_S, KeyedRows


def rows(*keys: str) -> list[Row]:
    return [Row(key, (Cell(key),)) for key in keys]


def held(*keys: str) -> KeyedRows:
    keyed = KeyedRows()
    keyed.replace(rows(*keys), 0.0, may_hold=True)
    return keyed


def test_the_cursor_begins_at_the_first_row():
    assert held("a", "b").cursor_key == "a"


def test_the_cursor_stays_at_the_top_until_it_is_put_somewhere():
    keyed = held("a", "b", "c")
    assert keyed.replace(rows("c", "a", "b"), 10.0, may_hold=True)
    assert keyed.cursor_key == "c"


def test_the_cursor_begins_anew_after_all_rows_were_gone():
    keyed = held("a", "b")
    keyed.place("b")
    keyed.replace([], 10.0, may_hold=True)
    keyed.replace(rows("a", "b"), 20.0, may_hold=True)
    keyed.replace(rows("c", "a", "b"), 30.0, may_hold=True)
    assert keyed.cursor_key == "c"


def test_the_cursor_stays_on_its_row_when_the_order_changes():
    keyed = held("a", "b", "c")
    keyed.place("b")
    assert not keyed.replace(rows("c", "a", "b"), 10.0, may_hold=True)
    assert keyed.cursor_key == "b"
    assert keyed.cursor_index == 2


def test_the_cursor_goes_to_what_takes_the_place_of_a_row_that_is_gone():
    keyed = held("a", "b", "c")
    keyed.place("b")
    assert keyed.replace(rows("a", "c"), 10.0, may_hold=True)
    assert keyed.cursor_key == "c"
    assert keyed.replace(rows("a"), 20.0, may_hold=True)
    assert keyed.cursor_key == "a"
    assert keyed.replace([], 30.0, may_hold=True)
    assert keyed.cursor_row is None


def test_rows_change_places_at_most_twice_a_second():
    keyed = held("a", "b")
    keyed.replace(rows("b", "a"), ORDER_PERIOD_S - 0.01, may_hold=True)
    assert keyed.order == ["a", "b"]
    keyed.replace(rows("b", "a"), ORDER_PERIOD_S, may_hold=True)
    assert keyed.order == ["b", "a"]


def test_the_order_stands_still_while_the_cursor_is_being_moved_and_new_rows_come_at_the_end():
    keyed = held("a", "b")
    keyed.hold(10.0)
    keyed.replace(rows("c", "b", "a"), 10.0 + HOLD_S - 0.01, may_hold=True)
    assert keyed.order == ["a", "b", "c"]
    keyed.replace(rows("c", "b", "a"), 10.0 + HOLD_S, may_hold=True)
    assert keyed.order == ["c", "b", "a"]


def test_a_tree_is_never_held_because_its_order_is_its_shape():
    keyed = held("a", "b")
    keyed.hold(0.1)
    keyed.replace(rows("b", "a"), 0.2, may_hold=False)
    assert keyed.order == ["b", "a"]


def test_the_nearest_row_of_an_address_is_the_row_itself_or_the_closest_one_above():
    keyed = KeyedRows()
    keyed.replace(
        [Row("1", (), address="SYS"), Row("2", (), address="SYS/BAND"), Row("3", (), address="SYS/BA")],
        0.0,
        may_hold=False,
    )
    assert keyed.nearest("SYS/BAND") == "2"
    assert keyed.nearest("SYS/BAND/OUT") == "2"
    assert keyed.nearest("SYS/NOTCH") == "1"
    assert keyed.nearest("OTHER") == ""


def test_the_parent_is_the_nearest_row_above_that_is_less_deep():
    keyed = KeyedRows()
    keyed.replace(
        [Row("a", ()), Row("b", (), 1), Row("c", (), 2), Row("d", (), 2), Row("e", (), 1)], 0.0, may_hold=False
    )
    assert [keyed.parent_of(key) for key in "abcde"] == ["", "a", "b", "b", "a"]


keys = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


@given(st.lists(st.tuples(keys, st.floats(0, 2), st.booleans()), max_size=20))
def test_what_is_drawn_is_what_came_last_in_some_order_and_the_cursor_is_on_it(
    updates: list[tuple[list[str], float, bool]],
):
    keyed = KeyedRows()
    now = 0.0
    for some, wait, moves in updates:
        now += wait
        if moves:
            keyed.hold(now)
            if keyed.order:
                keyed.place(keyed.order[-1])
        before, was_placed = keyed.cursor_key, keyed.is_placed
        keyed.replace(rows(*some), now, may_hold=True)
        assert sorted(keyed.order) == sorted(some)
        assert (keyed.cursor_key in some) or not some
        if some and not was_placed:
            assert keyed.cursor_key == keyed.order[0]
        else:
            assert keyed.cursor_key == before or before not in some
