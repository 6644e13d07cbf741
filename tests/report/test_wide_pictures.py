"""Pictures as wide as their page: attempts by worker, what was spent, what is used of a cap."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import quote
from xml.etree import ElementTree

import attrs
import pytest

from autopack.report.page_style import INKS
from autopack.report.spend_picture import cap_picture, share_picture, spend_picture
from autopack.report.timeline_picture import timeline_key, timeline_picture
from autopack.report.wide_shapes import places, time_axis
from autopack.report.work_timeline import AccountRest, Stretch, Timeline

BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOSTILE = "<script>\u202e"


def after(minutes):
    """Return the moment so many minutes after the beginning."""
    return BEGAN + timedelta(minutes=minutes)


def stretch(worker, began, ended, ending="completed", phase="r/p"):
    """Return an attempt between two minutes."""
    return Stretch(
        worker=worker, phase=phase, attempt=1, began=after(began), ended=after(ended), ending=ending
    )


TIMELINE = Timeline(
    began=BEGAN,
    ended=after(100),
    stretches=(
        stretch("w1", 0, 50),
        stretch(HOSTILE, 10, 20, "failed", f"r/{HOSTILE}"),
        stretch("w1", 25, 100, "in work"),
    ),
    rests=(
        AccountRest(
            account="a", model=None, cause="rate_limited", began=after(30), ended=after(40)
        ),
    ),
)


def rects(svg, fill):
    """Return x, y and width of the rectangles of a colour."""
    found = re.findall(
        rf'<rect class="\w+" x="([\d.]+)%" y="([\d.]+)" width="([\d.]+)%"[^>]*fill="{fill}"', svg
    )
    return [tuple(map(float, one)) for one in found]


def test_bars_stand_where_attempts_were():
    """In percent of the width; those at one time in lanes below each other."""
    svg = timeline_picture(TIMELINE)
    ((x1, y1, width1),) = rects(svg, r"var\(--c2\)")
    ((x2, y2, width2),) = rects(svg, r"var\(--c0\)")

    assert ((x1, width1), (x2, width2)) == ((0, 50), (25, 75))
    assert y2 > y1 + 15


def test_a_failure_is_told_by_more_than_its_colour():
    """A second bar below the first."""
    bars = rects(timeline_picture(TIMELINE), r"var\(--c1\)")

    assert [(x, width) for x, _, width in bars] == [(10, 10), (10, 10)]


def test_only_who_could_wait_rests():
    """A worker that had ended before an account rested shows none of it."""
    hatched = rects(timeline_picture(TIMELINE), r"url\(#hatch\)")
    early = attrs.evolve(TIMELINE, stretches=(stretch("w1", 0, 20), stretch("w2", 15, 100)))

    assert [x for x, _, _ in hatched] == [30, 30]  # in both lanes of the one that was at work
    assert len(rects(timeline_picture(early), r"url\(#hatch\)")) == 1


@pytest.mark.parametrize(
    "svg",
    [
        timeline_picture(TIMELINE, link=lambda one: f"/phase/{quote(one.phase)}?a=1&b=2"),
        spend_picture([(BEGAN, 0.0), (after(60), 2.0)], [(BEGAN, 5.0), (after(30), None)]),
        cap_picture(0.5, 0.2, HOSTILE),
        share_picture(0.5, HOSTILE),
    ],
)
def test_a_picture_is_whole_xml_without_what_others_wrote(svg):
    """It can be read by a machine, names itself, and holds no markup of names."""
    root = ElementTree.fromstring(svg)

    assert root.find("{http://www.w3.org/2000/svg}title").text
    assert root.get("role") == ("group" if "<a " in svg else "img")
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert "style=" not in svg


def test_colours_are_those_of_reports():
    """None is made up."""
    svg = timeline_picture(TIMELINE) + timeline_key(TIMELINE)

    assert set(re.findall(r"var\(--(\w+)\)", svg)) <= set(INKS)


def test_the_key_names_what_there_is():
    """The endings that occur, and rests if some do."""
    key = timeline_key(TIMELINE)

    assert re.findall("</svg>([^<]*)</li>", key) == [
        "completed", "failed", "in work", "account rests",
    ]  # fmt: skip


def test_a_sum_and_its_cap_share_a_scale():
    """The cap's line ends when it is lifted; the sum's last step reaches to the right edge."""
    svg = spend_picture([(BEGAN, 1.0), (after(100), 2.0)], [(BEGAN, 4.0), (after(50), None)])
    ((x1, x2, y),) = re.findall(r'class="guide" x1="([\d.]+)%" x2="([\d.]+)%" y1="([\d.]+)"', svg)
    bars = rects(svg, r"var\(--c0\)")

    assert (float(x1), round(float(x2))) == (0, 49)  # there is some room after the last moment
    assert bars[-1][0] + bars[-1][2] == pytest.approx(100, abs=0.01)
    assert [round(y_ - float(y)) for _, y_, _ in bars] == [120, 80]


def test_a_sum_that_grew_often_is_no_darker_for_it():
    """Areas stand beside each other, however many calls there were at one place."""
    often = [(BEGAN + timedelta(seconds=n), n / 10) for n in range(0, 6000, 2)]
    bars = rects(spend_picture(often), r"var\(--c0\)")

    assert all(a[0] + a[2] == pytest.approx(b[0], abs=0.002) for a, b in pairwise(bars))


def test_a_share_of_nothing_draws_nothing():
    """Only the way that it has to go."""
    assert rects(share_picture(0, ""), r"var\(--c0\)") == []
    assert rects(cap_picture(0, 0, ""), r"var\(--c0\)") == []


def test_a_share_of_the_greatest_has_no_track():
    """A full bar behind it would say that its end is the whole."""
    track = r"var\(--track\)"

    assert len(rects(share_picture(0.5, ""), track)) == 1
    assert rects(share_picture(0.5, "", is_of_whole=False), track) == []


def test_an_attempt_that_took_no_time_is_seen():
    """By a line as thick on a narrow page as on a wide one."""
    short = attrs.evolve(TIMELINE, stretches=(stretch("w1", 0, 100), stretch("w2", 5, 5.1)))

    assert timeline_picture(short).count('class="sliver"') == 1


@pytest.mark.parametrize(("used", "aside", "widths"), [(0.5, 0.2, (50, 20)), (1.7, 0.5, (100,))])
def test_a_cap_that_is_gone_beyond_is_full(used, aside, widths):
    """What is set aside stands after what is used, as far as there is room."""
    svg = cap_picture(used, aside, "told")
    drawn = rects(svg, r"var\(--c[01]\)") + rects(svg, r"url\(#hatch\)")

    assert tuple(width for _, _, width in drawn) == widths
    assert ("--c1" in svg) is (used > 0.9)


@pytest.mark.parametrize(
    "span", [timedelta(seconds=4), timedelta(minutes=9), timedelta(days=3), timedelta(days=2000)]
)
def test_an_axis_has_a_few_round_moments(span):
    """Whatever it spans."""
    ended = BEGAN + span
    drawn = "".join(time_axis(BEGAN, ended, places(BEGAN, ended), 100))

    assert 1 <= drawn.count('class="grid"') <= 7


def test_nothing_draws_nothing():
    """A timeline without attempts is no picture."""
    assert timeline_picture(Timeline()) == ""
