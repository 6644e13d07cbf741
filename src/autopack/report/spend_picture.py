"""What was spent, as SVG: how a sum grew over time below the cap that held, and the part used."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from autopack.report.quantities import usd
from autopack.report.wide_shapes import (
    AXIS,
    LEAST,
    Place,
    area,
    places,
    stroke,
    time_axis,
    wide_picture,
    words,
)

_TOP: Final = 26.0
_HEIGHT: Final = 210.0
_LOW: Final = _HEIGHT - AXIS
_BAR: Final = 8
_NEARLY: Final = 0.9
_ROOM: Final = 0.03

Sums = Sequence[tuple[datetime, float]]
Caps = Sequence[tuple[datetime, float | None]]


def spend_picture(points: Sums, caps: Caps = ()) -> str:
    """
    Return how a sum of USD grew, as an area, and the cap that held, as a broken line.

    Args:
        points: Moments in order, each with the sum by then; at least two.
        caps: Moments in order, from which on a cap of so many USD held; None is none.
    """
    began, last = points[0][0], points[-1][0]
    ended = last + (last - began) * _ROOM
    place = places(began, ended)
    held = [(max(at, began), cap) for at, cap in caps if at <= ended]
    top = max([points[-1][1], *(cap for _, cap in held if cap is not None)]) or 1.0

    def up(value: float) -> float:
        return _LOW - value / top * (_LOW - _TOP)

    parts, below = list[str](), _LOW
    for (x, value), (end, _) in pairwise([*_steps(points, place), (100.0, 0.0)]):
        y = up(value)
        parts.append(area(x, y, end - x, _LOW - y, "c0", kind="spent"))
        parts += [stroke(x, x, below, y, "line", "c0"), stroke(x, end, y, y, "line", "c0")]
        below = y
    parts += time_axis(began, ended, place, _HEIGHT, top=_TOP)
    for share in (0.5, 1.0):
        y = up(top * share)
        parts += [stroke(0, 100, y, y, "grid"), words(f"{usd(top * share)} USD", 0, y - 5)]
    for (at, cap), (until, _) in pairwise([*held, (ended, None)]):
        if cap is not None:
            parts.append(stroke(place(at), place(until), up(cap), up(cap), "guide", "c1"))
    said = f"It grew to {usd(points[-1][1])} USD."
    return wide_picture("Spent over time", said, _HEIGHT, parts)


def _steps(points: Sums, place: Place) -> list[tuple[float, float]]:
    """Return where a sum grew, and to what; of what happened at one place, the last alone."""
    found: list[tuple[float, float]] = []
    for at, value in points:
        x = place(at)
        if found and x - found[-1][0] < LEAST:
            found[-1] = (found[-1][0], value)
        else:
            found.append((x, value))
    return found


def share_picture(share: float, said: str, ink: str = "c0", *, is_of_whole: bool = True) -> str:
    """
    Return a share as a bar; beyond the whole it is full.

    Args:
        is_of_whole: Whether its end is the whole, which a track behind the bar shows.
    """
    parts = [area(0, 0, 100, _BAR, "track")] if is_of_whole else []
    if share > 0:
        parts.append(area(0, 0, _percent(share), _BAR, ink))
    return wide_picture("Share", said, _BAR, parts)


def cap_picture(used: float, reserved: float, said: str) -> str:
    """
    Return a bar of a cap: the part that is used, then, hatched, the part that is set aside.

    Args:
        used, reserved: Shares of the cap; beyond it the bar is full.
    """
    full = _percent(used)
    aside = min(_percent(reserved), 100 - full)
    parts = [area(0, 0, 100, _BAR, "track")]
    if full:
        parts.append(area(0, 0, full, _BAR, _ink(used)))
    if aside:
        parts.append(area(full, 0, aside, _BAR, "hatch"))
    return wide_picture("Used of the cap", said, _BAR, parts)


def _percent(share: float) -> float:
    return 100 * min(max(share, 0.0), 1.0)


def _ink(used: float) -> str:
    return "c1" if used >= _NEARLY else "c0"
