"""Columns share a width."""

from hypothesis import given
from hypothesis import strategies as st

from ezmsg_tui.present.table import Column
from ezmsg_tui.widgets.columns import GAP, MARGIN, MOST_GROWTH, fit_columns, grow_columns

NAME = Column("name", "NAME", 10, is_flexible=True, priority=10)
RATE = Column("rate", "RATE", 6, "right", priority=8)
SPARK = Column("spark", "60 s", 8, priority=1)


def test_a_flexible_column_takes_what_the_others_leave():
    places = fit_columns((NAME, RATE, SPARK), 60, {})
    assert [place.width for place in places] == [60 - MARGIN - 6 - 8 - 2 * GAP, 6, 8]
    assert places[-1].x + places[-1].width == 60 - MARGIN


def test_the_column_of_the_lowest_priority_vanishes_first():
    places = fit_columns((NAME, SPARK, RATE), 25, {})
    assert [place.column.key for place in places] == ["name", "rate"]
    assert [place.index for place in places] == [0, 2]


def test_the_last_column_stays_and_is_cut():
    (place,) = fit_columns((NAME, RATE), 7, {})
    assert place.column is NAME
    assert place.width == 7 - MARGIN


def test_a_column_grows_into_what_is_left_over_and_drives_no_other_out():
    assert [place.width for place in fit_columns((NAME, RATE, SPARK), 32, {"rate": 16})] == [10, 9, 8]
    assert [place.width for place in fit_columns((NAME, RATE, SPARK), 60, {"rate": 16})] == [31, 16, 8]


OTHER = Column("other", "OTHER", 10, is_flexible=True, priority=9)


def test_flexible_columns_share_by_what_they_need_and_the_last_takes_the_rest():
    def widths(width: int, **needs: int) -> list[int]:
        return [place.width for place in fit_columns((NAME, OTHER), width + MARGIN + GAP, needs)]

    assert widths(40) == [10, 30]
    assert widths(40, name=18, other=16) == [18, 22]
    assert widths(40, name=60, other=12) == [28, 12], "what one does not need goes to the other"
    assert widths(40, name=60, other=60) == [20, 20]


def test_a_flexible_column_is_no_wider_than_its_most():
    name = Column("name", "NAME", 10, is_flexible=True, most=20)
    assert [place.width for place in fit_columns((name, RATE), 100, {})] == [20, 6]
    assert [place.width for place in fit_columns((name, RATE), 24, {})] == [24 - MARGIN - GAP - 6, 6]


def test_a_column_that_has_grown_does_not_shrink_again():
    grown: dict[str, int] = {}
    assert grow_columns((RATE,), {"rate": 9}, grown)
    assert not grow_columns((RATE,), {"rate": 5}, grown)
    assert fit_columns((RATE,), 40, grown)[0].width == 9


def test_growth_has_a_limit_and_is_not_for_flexible_columns():
    grown: dict[str, int] = {}
    grow_columns((NAME, RATE), {"rate": 500, "name": 500}, grown)
    assert grown == {"rate": 6 + MOST_GROWTH}


columns = st.lists(
    st.builds(
        Column,
        st.uuids().map(str),
        st.text(max_size=5),
        st.integers(1, 30),
        is_flexible=st.booleans(),
        priority=st.integers(0, 9),
    ),
    min_size=1,
    max_size=8,
).map(tuple)


@given(columns, st.integers(0, 200), st.integers(0, 2))
def test_visible_columns_never_overlap_and_never_leave_the_area(some: tuple[Column, ...], width: int, left: int):
    places = fit_columns(some, width, {}, left=left)
    assert places
    end = left
    for place in places:
        assert place.x >= end
        assert place.width >= 0
        end = place.x + place.width
        assert end <= max(left, width)
    assert [place.index for place in places] == sorted(place.index for place in places)
