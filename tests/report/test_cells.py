"""Texts are measured and cut by the places that a terminal gives them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.report.cells import cells, cut_end, cut_middle, filled

TEXTS = st.text(st.sampled_from("abc-日本🎉é"), max_size=60)


def test_names_that_are_alike_stay_apart():
    """Beginning and end are there: `phase-17` and `phase-18` differ."""
    assert "a-long…ase-17" == cut_middle("a-long-run-name/of-a-phase-17", 13)
    assert "a-lon...ase-17" == cut_middle("a-long-run-name/of-a-phase-17", 14, "...")
    assert "short" == cut_middle("short", 5)


def test_wide_signs_take_two_places():
    """Those of East Asia, and emoji."""
    assert [4, 2, 1] == [cells("日本"), cells("🎉"), cells("é")]
    assert "日…" == cut_end("日本語", 4)
    assert "日本  |" == filled("日本", 6) + "|"
    assert "  日本" == filled("日本", 6, is_right=True)


@given(TEXTS, st.integers(0, 70), st.sampled_from(["…", "..."]))
def test_what_is_cut_fits(text, most, dots):
    """However little room there is; what fits is left as it is."""
    for cut in (cut_end, cut_middle):
        found = cut(text, most, dots)

        assert cells(found) <= most
        assert (found == text) or cells(text) > most


@pytest.mark.parametrize("cut", [cut_end, cut_middle])
def test_no_room_shows_nothing(cut):
    """Not even a dot too many."""
    assert "" == cut("abc", 0)
    assert ".." == cut("abc", 2, "...")
