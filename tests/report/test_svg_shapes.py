"""Shapes: round ticks within their scale, values in order, texts escaped, whole XML."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.report.svg_shapes import (
    WIDTH,
    Scale,
    axis_below,
    axis_beside,
    name,
    picture,
    scale_of,
    short,
    steps,
    text,
)

sizes = st.floats(1e-6, 1e12)
counts = st.floats(0, 1e12)


@given(st.lists(sizes, min_size=1, max_size=20), st.booleans())
def test_values_stand_in_order_between_the_ends(values, is_log):
    """Larger ones stand further, and none beyond the picture."""
    scale = scale_of(values, 10, 350, is_log=is_log)
    places = [scale(value) for value in sorted(values)]

    assert places == sorted(places)
    assert all(10 <= place <= 350 for place in places)


@given(st.lists(sizes, min_size=1, max_size=20), st.booleans(), st.integers(2, 8))
def test_ticks_are_round_and_few(values, is_log, most):
    """In order, within the ends, and at least two of them so that a value can be read."""
    scale = scale_of(values, 0, 100, is_log=is_log)
    ticks = scale.ticks(most)

    assert ticks == sorted(set(ticks))
    assert len(ticks) <= most
    assert all(scale.low - 1e-9 <= tick <= scale.high * (1 + 1e-9) for tick in ticks)
    assert {f"{tick:.0e}"[0] for tick in ticks} <= set("0123456789")


def test_ticks_that_people_expect():
    """Ones, twos and fives; tens where a scale is long."""
    assert [0, 20, 40, 60, 80, 100] == Scale(0, 100, 0, 1).ticks(6)
    assert [100, 200, 500, 1000] == Scale(90, 1500, 0, 1, is_log=True).ticks()
    assert [10, 100, 1000, 10000] == Scale(8, 12000, 0, 1, is_log=True).ticks()
    assert ["0.5", "200", "5k", "12.5k", "2M"] == [
        short(value) for value in (0.5, 200, 5000, 12500, 2e6)
    ]


def test_one_value_alone():
    """It has a scale with room around it, and none is needed at all."""
    assert 50 == pytest.approx(scale_of([7], 0, 100, is_log=True)(7))
    assert 0 == scale_of([0, 0], 0, 100)(0)
    assert 1.0 == scale_of([], 0, 100).high


@given(st.text(max_size=60))
def test_any_text_makes_whole_xml(told):
    """What others wrote is text, whatever it is."""
    parts = [text(told, 5, 20), text(name(told), 5, 40)]
    read = ElementTree.fromstring(picture(told, told, 50, parts))

    assert 4 == len(list(read))


def test_a_long_name_is_cut():
    """Its beginning and its end are left, with an ellipsis between."""
    assert f"{'W' * 13}…{'W' * 14}" == name("W" * 90)
    assert "median-ratio:buffer=1.2" == name("median-ratio:buffer=1.2")
    assert "docs/low" == name("docs/low")


@given(st.lists(counts, min_size=1, max_size=9))
def test_labels_of_an_axis_stay_within_and_apart(values):
    """Below no two are nearer than a label is wide, and all stand within the picture."""
    drawn = axis_below(scale_of(values, 52, 352), 200, "what")
    read = ElementTree.fromstring(f"<svg>{drawn}</svg>")
    places = [float(one.get("x")) for one in read.iter("text")][:-1]

    assert all(20 <= place <= WIDTH - 20 for place in places)
    assert all(b - a >= 50 for a, b in pairwise(places))


def test_a_long_label_at_the_left_edge():
    """It stands where it can be read whole."""
    drawn = axis_below(Scale(0.001, 1.0, 8, 352, is_log=True), 9, "over")
    first = next(ElementTree.fromstring(f"<svg>{drawn}</svg>").iter("text"))

    assert "0.001" == first.text
    assert float(first.get("x")) >= 5 * 8 / 2


def test_counts_have_no_fractions():
    """An axis of steps or rows names whole numbers."""
    assert ">0.5<" not in axis_below(Scale(0, 1, 0, 300), 9, "step", is_count=True)
    assert ">0.5<" in axis_below(Scale(0, 1, 0, 300), 9, "share")


def test_an_axis_beside_names_its_unit():
    """Above the ticks stands what it is."""
    drawn = axis_beside(Scale(0, 100, 200, 30), "outputs that fit", unit=" %")

    assert ">50 %<" in drawn or ">40 %<" in drawn
    assert ">outputs that fit<" in drawn


def test_steps_keep_their_height():
    """A step goes along before it goes up."""
    assert 'points="0,5 10,5 10,9"' in steps([(0, 5), (10, 9)], "c0")
