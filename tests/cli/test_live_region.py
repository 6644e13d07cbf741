"""Lines at the bottom of a terminal, drawn anew in place."""

import io

import pytest

from autopack.cli.live_region import LiveRegion
from screens import shown


@pytest.fixture
def region():
    """A region of a screen, and what the screen shows."""
    stream = io.StringIO()
    region = LiveRegion(stream)

    def rows():
        written = stream.getvalue().replace("\n", "\r\n")
        return [row for row in shown(written.encode(), width=80) if row]

    return region, rows, stream


def draw(region, *lines, above=""):
    region.draw(list(lines), list(map(len, lines)), above)


def test_lines_are_drawn_in_place(region):
    """Fewer of them leave nothing behind; what stands above stays."""
    region, rows, _stream = region
    draw(region, "a", "b", "c")
    draw(region, "d", "e", above="one\n")
    region.above("two\nthree\n")

    assert ["one", "two", "three", "d", "e"] == rows()


def test_it_can_be_taken_away(region):
    """Nothing of it is left."""
    region, rows, _stream = region
    draw(region, "a", "b", above="one\n")
    region.clear()

    assert ["one"] == rows()


def test_what_has_not_changed_is_not_written(region):
    """A drain that waits for hours writes nothing."""
    region, _rows, stream = region
    draw(region, "a")
    before = stream.getvalue()
    draw(region, "a")

    assert before == stream.getvalue()


def test_a_screen_that_was_made_narrower_has_folded_the_lines(region, monkeypatch):
    """As terminals do: the first of them is further up than there are lines."""
    region, _rows, stream = region
    draw(region, "x" * 70, "y")
    monkeypatch.setattr(LiveRegion, "size", property(lambda self: (29, 24)))
    stream.truncate(0)
    draw(region, "z")

    assert "\x1b[4A\x1b[J" in stream.getvalue()  # 70 in 30 columns are three rows


def test_a_terminal_that_says_no_size_has_the_usual_one(region):
    """As one without a window has; the last column stays free."""
    assert (79, 24) == region[0].size
