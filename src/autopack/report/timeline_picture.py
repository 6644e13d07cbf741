"""Attempts by worker as SVG: bars across time, hatched where an account rested."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Final

from autopack.report.account_text import window_words
from autopack.report.cells import cut_middle
from autopack.report.escaping import on_line
from autopack.report.quantities import count, seconds
from autopack.report.wide_shapes import (
    AXIS,
    Place,
    area,
    key_list,
    places,
    stroke,
    time_axis,
    wide_picture,
    words,
)
from autopack.report.work_timeline import IN_WORK, AccountRest, Stretch, Timeline

_INKS: Final = {
    "completed": "c2",
    "failed": "c1",
    "timed out": "c1",
    "asks you": "c4",
    IN_WORK: "c0",
    "submitted": "c0",
}
_FAULTS: Final = ("failed", "timed out")
_HEAD: Final = 22
_LANE: Final = 22
_BAR: Final = 15
_WORKERS_MOST: Final = 40
_SHORT: Final = 0.6
_AT_ONCE: Final = timedelta(milliseconds=100)
"""Within which a rest follows the refusal that begins it: who ended before does not rest."""
_NAME_MOST: Final = 48

LinkOf = Callable[[Stretch], str]


def timeline_picture(found: Timeline, *, link: LinkOf | None = None) -> str:
    """
    Return a picture with a row a worker, and as many lanes as attempts were beside each other.

    Args:
        link: Where an attempt's bar leads to; without, nowhere.
    """
    if found.began is None or found.ended is None:
        return ""
    place, rows, top = places(found.began, found.ended), list[str](), 0.0
    for worker in found.workers[:_WORKERS_MOST]:
        own = [one for one in found.stretches if one.worker == worker]
        last = max(one.ended or found.ended for one in own) + _AT_ONCE
        rests = [one for one in found.rests if own[0].began <= one.ended and one.began <= last]
        lanes = _lanes(own, found.ended)
        rows.append(words(cut_middle(on_line(worker), _NAME_MOST), 0, top + _HEAD - 6))
        for number, lane in enumerate(lanes):
            y = top + _HEAD + number * _LANE
            rows += [_rest(one, place, y) for one in rests]
            rows += [_bar(one, place, y, found.ended, link) for one in lane]
        top += _HEAD + len(lanes) * _LANE + 4
    height = top + AXIS
    grid = time_axis(found.began, found.ended, place, height)
    parts = [*grid, *rows]
    has_links = link is not None
    return wide_picture("Attempts by worker", _said(found), height, parts, has_links=has_links)


def timeline_key(found: Timeline) -> str:
    """Return what its colours mean, of those that there are."""
    endings = dict.fromkeys(one.ending for one in found.stretches)
    entries = [(ending, _INKS.get(ending, "faint")) for ending in endings]
    return key_list([*entries, *([("account rests", "hatch")] if found.rests else [])])


def rest_words(one: AccountRest) -> str:
    """Return whose rest it was and why, for example ``account a: usage limit``."""
    model = f", {one.model}" if one.model else ""
    return f"account {one.account}{model}: {window_words(one.cause)}"


def _lanes(found: Sequence[Stretch], until: datetime) -> list[list[Stretch]]:
    """Return attempts in as few lanes as keep those apart that were at one time."""
    lanes: list[list[Stretch]] = []
    for one in found:  # in the order in which they began
        free = next((lane for lane in lanes if (lane[-1].ended or until) <= one.began), None)
        if free is None:
            lanes.append([one])
        else:
            free.append(one)
    return lanes


def _bar(one: Stretch, place: Place, y: float, until: datetime, link: LinkOf | None) -> str:
    ended, x = one.ended or until, place(one.began)
    took = seconds((ended - one.began).total_seconds())
    said = f"{one.phase}, attempt {one.attempt}: {one.ending}, {took}"
    drawn = "".join(_marks(one, x, place(ended) - x, y, said))
    if link is None:
        return drawn
    # The table beside leads there for who goes by the keyboard, one step an attempt.
    told = escape(on_line(said))
    return f'<a href="{escape(link(one))}" tabindex="-1" aria-label="{told}">{drawn}</a>'


def _marks(one: Stretch, x: float, width: float, y: float, said: str) -> Iterator[str]:
    ink = _INKS.get(one.ending, "faint")
    is_short = width < _SHORT
    yield area(x, y, width, _BAR, ink, said, kind="bar" if is_short else "stretch")
    if is_short:  # on a narrow page, too, it is seen
        yield stroke(x, x, y, y + _BAR, "sliver", ink)
    if one.ending in _FAULTS:  # told by more than its colour
        yield area(x, y + _BAR + 1.5, width, 3, ink)


def _rest(one: AccountRest, place: Place, y: float) -> str:
    x = place(one.began)
    return area(x, y, place(one.ended) - x, _BAR, "hatch", rest_words(one))


def _said(found: Timeline) -> str:
    ends: dict[str, int] = {}
    for one in found.stretches:
        ends[one.ending] = ends.get(one.ending, 0) + 1
    told = ", ".join(f"{n:,} {ending}" for ending, n in ends.items())
    attempts = count(len(found.stretches), "attempt")
    return f"{attempts} by {count(len(found.workers), 'worker')}: {told}."
