"""Pictures hold each figure as a mark, in order, within their frame, whatever the names are."""

import re
from xml.etree import ElementTree

import pytest

from autopack.report.charts import SERIES, courses, groups, history, pairs, pictures_of, wastes
from autopack.report.picture_tables import CAPTIONS
from autopack.report.spoken_shares import fitting
from autopack.report.svg_shapes import WIDTH

HOSTILE = '"><script>alert(1)</script>&\u202e' + "W" * 200
SVG = "{http://www.w3.org/2000/svg}"


def data(**changes):
    """Return the values of a report that has a picture of everything."""
    values = {
        "pairs": [
            {"predicted": 1000 * i, "actual": 10 * i * i, "category": HOSTILE, "outcome": outcome}
            for i, outcome in enumerate(["succeeded", "failed", "cut off"] * 5, 1)
        ],
        "wastes": [
            {"above": 0.0, "up_to": 0.5, "count": 0},
            {"above": 0.5, "up_to": 1.0, "count": 7},
            {"above": 1.0, "up_to": 2.0, "count": 0},
            {"above": 2.0, "up_to": None, "count": 14},
        ],
        "groups": [
            {
                "category": HOSTILE,
                "complexity": "low",
                "ratio_low": low,
                "median_ratio": 1.0,
                "ratio_high": 2.5,
                "is_high_confidence": bool(low),
            }
            for low in (0.5, 0.0)
        ],
        "history": [
            {"version": "v1", "multipliers": {}},
            {"version": "v2", "multipliers": {HOSTILE: 0.5}},
            {"version": "v3", "multipliers": {HOSTILE: 0.25}},
        ],
        "courses": {HOSTILE: [[20, 0.5, 0.9], [40, 0.6, 0.9], [60, 0.7, 1.0]]},
        "backtest": {"tau": 0.9},
    }
    return {**values, **changes}


def read(told):
    """Return the picture, as XML; its key stands behind it."""
    drawn, end, _ = told.partition("</svg>")
    return ElementTree.fromstring(drawn + end)


def of_class(told, named):
    """Return the shapes of a class."""
    return [one for one in read(told).iter() if one.get("class") == named]


@pytest.mark.parametrize("draw", [pairs, wastes, groups, history, courses])
def test_it_is_told_to_those_who_do_not_see_it(draw):
    """A title and a description, as the picture's own first words, and the same bytes each time."""
    drawn = read(draw(data()))

    assert ("img", f"{SVG}title", f"{SVG}desc") == (
        drawn.get("role"),
        drawn[0].tag,
        drawn[1].tag,
    )
    assert draw(data()) == draw(data())


@pytest.mark.parametrize("draw", [pairs, wastes, groups, history, courses])
def test_names_are_text_and_short(draw):
    """Nothing of a name is markup, turns the writing, or is wider than a line."""
    told = draw(data())

    assert "<script" not in told
    assert "\u202e" not in told
    assert "W" * 30 not in told


@pytest.mark.parametrize("draw", [pairs, wastes, groups, history, courses])
def test_labels_stand_within_the_frame(draw):
    """No text begins or ends beyond it, taking a letter for nine units at most."""
    drawn = read(draw(data()))
    height = float(drawn.get("viewBox").split()[3])

    for one in drawn.iter(f"{SVG}text"):
        x, y, wide = float(one.get("x")), float(one.get("y")), 9 * len(one.text)
        start = x - {"start": 0, "middle": wide / 2, "end": wide}[one.get("text-anchor")]
        assert start >= -12
        assert start + wide <= WIDTH + 12
        assert 0 <= y <= height


def test_each_output_is_a_mark():
    """In order, by a shape for its outcome; what is alike has one entry in the key."""
    told = pairs(data())
    dots = [
        (float(one.get("cx")), float(one.get("cy")))
        for one in of_class(told, "mark")
        if one.tag == f"{SVG}circle"
    ]

    assert 15 == len(of_class(told, "mark"))
    assert 5 == len(dots)
    assert dots == sorted(dots)
    assert [y for _, y in dots] == sorted((y for _, y in dots), reverse=True)
    assert 3 == told.count("<li>")


def test_many_categories_share_the_last_colour():
    """The key says so, and names as many as there are colours."""
    found = [{**data()["pairs"][0], "category": f"c{i}"} for i in range(20)]
    told = pairs(data(pairs=found))

    assert len(SERIES) == told.count("<li>")
    assert "all others" in told


def test_bars_are_as_long_as_counts():
    """Twice as many are twice as long; empty steps at the ends are left out, within they stay."""
    told = wastes(data())
    wide = [float(one.get("width")) for one in of_class(told, "bar")]

    assert wide[1] == pytest.approx(2 * wide[0])
    assert ["up to 1", "up to 2", "over 2"] == re.findall(r"(?:up to|over) [\d.]+", told)
    assert ">7<" in told
    assert ">14<" in told


def test_each_group_is_an_interval_around_its_median():
    """A low end of 0 stands at the edge, and nothing fails."""
    told = groups(data())

    assert (2, 2) == (len(of_class(told, "interval")), len(of_class(told, "mark")))
    for bar, dot in zip(of_class(told, "interval"), of_class(told, "mark"), strict=True):
        (low, _), (high, _) = (point.split(",") for point in bar.get("points").split())
        assert float(low) < float(dot.get("cx")) < float(high)


def test_each_step_of_the_multipliers_is_a_mark():
    """From the estimator's own figure on, downwards as they fall."""
    marks = of_class(history(data()), "mark")
    heights = [float(one.get("cy")) for one in marks]

    assert 3 == len(heights)
    assert heights == sorted(heights)


def test_what_is_open_is_a_band():
    """Where outputs were cut off coverage is an area; else a line alone."""
    known = {"a": [[20, 0.5, 0.5], [40, 0.6, 0.6]]}

    assert 1 == len(of_class(courses(data()), "band"))
    assert 0 == len(of_class(courses(data(courses=known)), "band"))


def test_there_is_a_caption_for_each_picture_and_none_of_nothing():
    """What has no figures is not drawn."""
    nothing = data(pairs=[], wastes=[], groups=[], history=[{"multipliers": {}}], courses={"a": []})

    assert list(CAPTIONS) == list(pictures_of(data()))
    assert {} == pictures_of(nothing)


@pytest.mark.parametrize(
    ("least", "most", "told"),
    [
        (0.9, 0.9, "of ten outputs nine fit"),
        (1.0, 1.0, "of ten outputs all fit"),
        (0.1, 0.1, "of ten outputs one fits"),
        (0.0, 0.0, "of ten outputs none fit"),
        (0.953, 0.953, "of a hundred outputs ninety-five fit"),
        (0.687, 0.972, "of a hundred outputs sixty-nine to ninety-seven fit"),
        (0.5, 1.0, "of a hundred outputs fifty to all fit"),
        (0.12, 0.12, "of a hundred outputs twelve fit"),
    ],
)
def test_shares_in_words(least, most, told):
    """As people say them, without a figure."""
    assert told == fitting(least, most)
