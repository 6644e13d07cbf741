"""What a drain's screen shows: lines that fit, a bar, spend against caps, and who waits."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.cli.live_view import FULL, PLAIN, DrainScreen, colours, painted, plain_line, signs_for
from autopack.report.cells import cells
from autopack.report.drain_lines import DrainLine, DrainLines
from autopack.types import LaneWait, RemainingUse

NOW = datetime(2026, 11, 28, 14, 3, tzinfo=UTC)
STATUS = {
    "ready": 18, "waiting": 2, "in_work": ["r/a", "r/b"], "elsewhere": 3, "total_tokens": 91_200,
    "cost_usd": 0.42, "attempts": 9, "waits": [], "idle": None, "unreadable": 0, "paused": None,
    "samples_won": 8, "elapsed_s": 90.0,
    "working": [
        {"phase": f"r/{name}", "step": "reading", "since_s": 72.4, "calls": 1, "tokens": 1200}
        for name in "ab"
    ],
    "limits": {"max_tokens": 100_000, "max_usd": 5.0, "max_phases": 30, "max_minutes": 60.0},
}  # fmt: skip


def text(lines):
    """Return lines without their colours."""
    return [painted(line, has_colours=False) for line in lines]


def view_of(*over, signs=FULL, before=0):
    """Return a view of a drain in which these phases are over."""
    lines = DrainLines()
    lines.over = dict(over)
    return DrainScreen(lines, signs, before=before)


def test_the_frame_says_what_goes_on():
    """Who is at work and for how long, how many of how many, spend against caps."""
    over = [(f"r/{n}", "done") for n in range(6)] + [("r/x", "failed")]
    a, b, bar, spent = text(view_of(*over).frame(STATUS, (120, 24), NOW))

    assert a.startswith("▸ r/a           1 min 12 s    1,200 tokens  reading")
    assert b.startswith("▸ r/b")
    end = (NOW + timedelta(minutes=5)).astimezone()
    said = "7 of 32, 1 failed, 2 at work, 2 waiting, 3 elsewhere"
    assert bar.endswith(f"  {said}, ends about {end:%H:%M}")
    assert bar.startswith("━")
    assert (
        "spent 91,200 of 100,000 tokens, 0.42 of 5.00 USD, 9 of 30 attempts, 1 of 60 minutes, "
        "in 1 min 30 s"
    ) == spent


def test_a_row_says_what_is_still_used():
    """Between what nine of ten like it used that got as far; nothing where nobody did."""
    known = RemainingUse(
        measure="total_tokens", used=1200, least=2_013, most=31_422, reached=40, like="docs/low"
    )
    rows = [
        {**row, "remaining": (attrs.evolve(known, most=most),)}
        for row, most in zip(STATUS["working"], (31_422, None), strict=True)
    ]
    a, b, *_ = text(view_of().frame({**STATUS, "working": rows}, (120, 24), NOW))

    assert a.endswith("1,200 tokens  between 2,000 and 31,000 more, reading")
    assert b.endswith("1,200 tokens  reading")


def test_what_is_not_known_is_not_told():
    """No price, no end, least figures where some usage could not be read."""
    status = {**STATUS, "limits": {}, "cost_usd": 0, "unreadable": 1, "elapsed_s": 0.0}
    *_, bar, spent = text(view_of().frame(status, (120, 24), NOW))

    assert "spent at least 91,200 tokens, in 0 s" == spent
    assert "ends" not in bar


def test_who_is_waited_for_stands_below():
    """Accounts until when and why, four of them as three; a pause and how it is ended."""
    wait = LaneWait(
        account="a", model=None, cause="usage_limit", until=NOW + timedelta(hours=3, minutes=12),
        since=NOW, window="five_hour", phases=18,
    )  # fmt: skip
    status = {**STATUS, "waits": [wait] * 4, "paused": "lunch"}
    *_, paused, first, _second, _third, more = text(view_of().frame(status, (120, 24), NOW))

    assert "waits paused: lunch; autopack drain resume goes on" == paused
    assert first.startswith("waits account a until ")
    assert first.endswith("(in 3 h 12 min): five-hour window used up; 18 phases wait")
    assert "waits +1 more accounts or models" == more


@pytest.mark.parametrize(("height", "rows", "more"), [(24, 8, 13), (10, 4, 17), (4, 1, 20)])
def test_what_has_no_room_is_counted(height, rows, more):
    """Twenty at work: as many rows as fit, and how many more."""
    working = [{**STATUS["working"][0], "phase": f"r/{n}"} for n in range(20)]
    status = {**STATUS, "working": working, "in_work": [f"r/{n}" for n in range(20)]}
    found = text(view_of().frame(status, (120, height), NOW))
    told = [line for line in found if "more at work" in line]

    assert [f"  +{20 - sum(line.startswith('▸') for line in found)} more at work"] == told
    assert len(found) <= max(height - 1, 4)


def test_a_phase_that_has_just_ended_is_not_at_work():
    """Whether or not the drain has noticed."""
    found = text(view_of(("r/a", "done")).frame(STATUS, (120, 24), NOW))

    assert ["r/b"] == [line.split()[1] for line in found if line.startswith("▸")]
    assert "1 of 25, 1 at work" in "\n".join(found)


def test_rows_that_were_done_before_count():
    """A batch that is gone on with begins where it was."""
    found = "\n".join(text(view_of(before=5).frame(STATUS, (120, 24), NOW)))

    assert "5 of 30, 2 at work" in found


def test_long_names_that_are_alike_can_be_told_apart():
    """Cut in the middle, figures below each other."""
    view = view_of()
    ends = [
        DrainLine(mark="done", subject=f"a-long-run-name-2026/a-long-phase-name-{n}",
                  state="completed", tokens=n * 900, cost_usd=n / 100, seconds=n)
        for n in (17, 18)
    ]  # fmt: skip
    found = text([view.ended(line, 79) for line in ends])

    assert [
        "✓ a-long-run-n…phase-name-17  completed    15,300 tokens    0.17 USD     17.0 s",
        "✓ a-long-run-n…phase-name-18  completed    16,200 tokens    0.18 USD     18.0 s",
    ] == found


def test_a_failure_says_why_as_far_as_it_fits():
    """And all of it in a file, with its time, nothing cut."""
    line = DrainLine(
        mark="failed", subject="r/p", state="failed", tokens=1200, seconds=3.2, at=NOW,
        why="tests_failed: " + "one and another " * 20,
    )  # fmt: skip
    (shown,) = text([view_of().ended(line, 60)])
    kept = plain_line(line, PLAIN)

    assert shown.startswith("✗ r/p           failed      tests_failed: one")
    assert 60 == cells(shown)
    assert kept.startswith(f"{NOW.astimezone():%Y-%m-%d %H:%M:%S}  x r/p  failed      tests_failed")
    assert kept.endswith("another  (1,200 tokens, 3.2 s)")


def test_signs_go_by_what_the_stream_can_write():
    """UTF-8 has all of them, ASCII its own, also where nobody knows."""
    assert FULL is signs_for("utf-8")
    assert PLAIN is signs_for("ascii") is signs_for("latin-1") is signs_for(None)
    assert "".join((*PLAIN.marks.values(), PLAIN.done, PLAIN.left, PLAIN.dots)).isascii()


def test_colours_are_left_out_where_nobody_wants_them():
    """By NO_COLOR, whatever it says."""
    line = [("✓ ", "good"), ("r/p", "")]

    assert colours({})
    assert not colours({"NO_COLOR": "1"})
    assert "✓ r/p" == painted(line, has_colours=False)
    assert "\x1b[32m✓ \x1b[0mr/p" == painted(line, has_colours=True)


NAMES = st.text(st.sampled_from("ab-/日本🎉"), min_size=1, max_size=90)


@given(
    names=st.lists(NAMES, max_size=12), width=st.integers(20, 220), height=st.integers(3, 60),
    n=st.integers(0, 10**9), mark=st.sampled_from(sorted(FULL.marks)),
)  # fmt: skip
def test_nothing_is_wider_than_the_screen(names, width, height, n, mark):
    """Whatever phases are called and whatever they use; and a frame is lower than the screen."""
    working = [{**STATUS["working"][0], "phase": name, "tokens": n} for name in names]
    status = {**STATUS, "working": working, "in_work": names, "total_tokens": n}
    view = view_of()
    lines = view.frame(status, (width, height), NOW)
    lines += [
        view.ended(DrainLine(mark=mark, subject=name, state="failed", tokens=n, why=name), width)
        for name in names
    ]

    assert [] == [line for line in text(lines) if cells(line) > width]
