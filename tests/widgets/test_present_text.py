"""Foreign text is harmless, and numbers keep to their widths."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ezmsg_tui.present.text import (
    ago_text,
    bar,
    count_text,
    counted,
    duration_text,
    elided_address,
    elided_addresses,
    magnitude_text,
    rate_text,
    safe_text,
    share_text,
    size_text,
    sparkline,
)
from ezmsg_tui.widgets.paint import fit_text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("a\x1b]0;title\x07b", "aitleb"),
        ("a\r\n\tb", "a b"),
        ("user\u202eexe.txt", "userexe.txt"),
        ("\u2066x\u2069", "x"),
        ("z\u200bw\u200d", "zw"),
        ("e\u0301", "e\u0301"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
        ("\ud800", ""),
    ],
)
def test_controls_are_dropped_and_the_rest_is_kept(text: str, safe: str):
    assert safe_text(text) == safe


@given(st.text(), st.integers(1, 50))
def test_no_text_can_steer_the_terminal_or_be_longer_than_its_limit(text: str, limit: int):
    safe = safe_text(text, limit)
    assert len(safe) <= limit
    assert not [c for c in safe if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]
    assert safe_text(safe, limit) == safe


def test_a_mebibyte_is_cut_before_any_work_is_done_on_it():
    text = "\x1b[31m" * 200_000
    assert safe_text(text, 40).endswith("…") or safe_text(text, 40) == ""
    assert len(safe_text("x" * 1_048_576, 40)) == 40


def test_marks_that_pile_up_on_one_letter_are_limited():
    assert len(safe_text("a" + "\u0301" * 100)) == 3


@given(st.floats(0, 1e12))
def test_rates_are_at_most_six_characters(hz: float):
    assert len(rate_text(hz)) <= 6


@given(st.floats(0, 1e18))
def test_durations_are_at_most_seven_characters(wait_ns: float):
    assert len(duration_text(wait_ns)) <= 9 if wait_ns > 3.6e17 else len(duration_text(wait_ns)) <= 8


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (rate_text(512.0), "512.0"),
        (rate_text(1240), "1.24k"),
        (rate_text(20), "20.0"),
        (rate_text(0.5), "0.50"),
        (rate_text(0), "0.0"),
        (rate_text(None), "-"),
        (rate_text(float("nan")), "-"),
        (duration_text(41_000_000), "41.0ms"),
        (duration_text(1_950_000), "1.95ms"),
        (duration_text(999_960_000), "1.0s"),
        (duration_text(0), "0"),
        (duration_text(None), "-"),
        (size_text(1023), "1023B"),
        (size_text(65536), "64.0K"),
        (size_text(None), "-"),
        (count_text(1204112), "1,204,112"),
        (count_text(12_041_120_000), "12.0G"),
        (share_text(0.31), "31%"),
        (share_text(0.001), "<1%"),
        (share_text(0), "0%"),
        (share_text(None), "-"),
        (ago_text(0.42), "0.4 s"),
        (ago_text(12.3), "12 s"),
        (ago_text(200), "3 m"),
        (ago_text(None), "-"),
        (magnitude_text(0.0195), "19.5m"),
        (magnitude_text(999_950), "1.00M"),
        (sparkline([0, 1, 2, 4, None, 8]), "▁▁▂▄ ▇"),
        (sparkline([0, 4, 8], 8), "▁▄█"),
        (sparkline([]), ""),
        (bar(0.5, 4), "██  "),
        (bar(0.0001, 4), "▏   "),
        (bar(None, 4), "    "),
    ],
)
def test_numbers_are_written_as_people_read_them(drawn: str, expected: str):
    assert drawn == expected


@given(st.text(), st.integers(1, 60), st.sampled_from(["left", "right"]))
def test_a_fitted_text_is_exactly_as_wide_as_its_column(text: str, width: int, align: str):
    assert cell_len(fit_text(safe_text(text), width, align=align)) == width


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (40, "DEMO/PIPELINE/CONDITIONING/BANDPASS/OUT"),
        (38, "…/PIPELINE/CONDITIONING/BANDPASS/OUT"),
        (30, "…/CONDITIONING/BANDPASS/OUT"),
        (16, "…/BANDPASS/OUT"),
        (5, "…/OUT"),
        (4, "OUT"),
        (2, "O…"),
        (1, "…"),
    ],
)
def test_an_address_gives_way_at_its_front(width: int, shown: str):
    assert elided_address("DEMO/PIPELINE/CONDITIONING/BANDPASS/OUT", width) == shown


@given(st.lists(st.text("aB漢", min_size=1, max_size=9), min_size=1, max_size=6), st.integers(1, 40))
def test_an_address_fits_and_its_last_part_stays_where_there_is_room_for_it(parts: list[str], width: int):
    address = "/".join(parts)
    shown = elided_address(address, width, cell_len)
    assert cell_len(shown) <= width
    if cell_len(parts[-1]) <= width:
        assert shown.rpartition("/")[2] == parts[-1]
    assert shown == address or cell_len(address) > width


def test_addresses_in_a_text_give_way_to_its_other_words():
    text = "+ DEMO/SOURCES/AMPLIFIER/OUT → DEMO/STORAGE/IN by TCP"
    assert elided_addresses(text, 60) == text
    assert elided_addresses(text, 42) == "+ …/AMPLIFIER/OUT → DEMO/STORAGE/IN by TCP"
    assert elided_addresses(text, 10) == "+ …/OUT → …/STORAGE/IN by TCP"
    assert fit_text(text, 12, has_address=True) == "+ …/OUT → ……"
    assert fit_text("DEMO/STORAGE/ARCHIVE/INPUT leaky", 22, has_address=True) == "…/ARCHIVE/INPUT leaky "


def test_a_count_has_its_noun():
    assert [counted(n, noun) for n, noun in ((1, "process"), (2, "process"), (1, "unit"), (1200, "unit"))] == [
        "1 process",
        "2 processes",
        "1 unit",
        "1,200 units",
    ]
