"""Shapes of pictures that are as wide as their page: places across in percent, down in pixels."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Final

from autopack.report.escaping import on_line

AXIS: Final = 24
"""How high the axis of time is, below."""

HATCH: Final = (
    '<svg class="defs" width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" '
    'width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line x1="1.5" x2="1.5" y1="0" y2="6" stroke="var(--faint)" stroke-width="2"/>'
    "</pattern></defs></svg>"
)
"""What hatched areas are filled with: once on each page that has some."""

_STEPS: Final = (
    *(timedelta(seconds=n) for n in (1, 2, 5, 10, 30)),
    *(timedelta(minutes=n) for n in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=n) for n in (1, 2, 3, 6, 12)),
    *(timedelta(days=n) for n in (1, 2, 7, 14, 30, 90, 365)),
)
LEAST: Final = 0.15
"""How wide what is drawn is at least, in percent: what took no time is seen, too."""

_TICKS_MOST: Final = 6
_EDGE: Final = 4.0

Place = Callable[[datetime], float]


def wide_picture(
    title: str, said: str, height: float, parts: Sequence[str], *, has_links: bool = False
) -> str:
    """Return an SVG element as wide as its page; what it shows is told in words, too."""
    role = "group" if has_links else "img"  # within an image, a link would be lost to some readers
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="wide" role="{role}" width="100%" '
        f'height="{height:.0f}"><title>{escape(title)}</title><desc>{escape(on_line(said))}</desc>'
        f"{''.join(parts)}</svg>"
    )


def places(began: datetime, ended: datetime) -> Place:
    """Return what tells where a moment stands, in percent of the width."""
    whole = (ended - began).total_seconds() or 1.0

    def place(at: datetime) -> float:
        return 100 * min(max((at - began).total_seconds() / whole, 0.0), 1.0)

    return place


def area(
    x: float, y: float, width: float, height: float, fill: str, said: str = "", *, kind: str = "bar"
) -> str:
    """Return a rectangle; *fill* is an ink or ``hatch``, *said* what is told of it."""
    told = f"<title>{escape(on_line(said))}</title>" if said else ""
    return (
        f'<rect class="{kind}" x="{x:.3f}%" y="{y:.1f}" width="{max(width, LEAST):.3f}%" '
        f'height="{height:.1f}" '
        f'fill="{_paint(fill)}">{told}</rect>'
    )


def stroke(x1: float, x2: float, y1: float, y2: float, kind: str, ink: str = "faint") -> str:
    """
    Return a line.

    Args:
        kind: ``axis``, ``grid``, ``guide`` (thin and broken), ``line``, or ``sliver`` (thick).
    """
    return (
        f'<line class="{kind}" x1="{x1:.3f}%" x2="{x2:.3f}%" y1="{y1:.1f}" y2="{y2:.1f}" '
        f'stroke="var(--{ink})"/>'
    )


def words(told: str, x: float, y: float, *, anchor: str = "start") -> str:
    """Return a text whose base line is at *y*."""
    return f'<text x="{x:.3f}%" y="{y:.1f}" text-anchor="{anchor}">{escape(on_line(told))}</text>'


def time_axis(
    began: datetime, ended: datetime, place: Place, height: float, *, top: float = 0
) -> Iterator[str]:
    """Yield a line and a label for round moments of this machine's clock."""
    span = ended - began
    step = next((one for one in _STEPS if span / one <= _TICKS_MOST), _STEPS[-1])
    first, last = began.astimezone(), height - AXIS
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + step * ((first - midnight) // step + 1)
    form = "%d %b" if step >= timedelta(days=1) else "%H:%M"
    form = "%H:%M:%S" if step < timedelta(minutes=1) else form
    yield stroke(0, 100, last, last, "axis")
    while at <= ended:
        x = place(at)
        yield stroke(x, x, top, last, "grid")
        if _EDGE < x < 100 - _EDGE:
            yield words(at.strftime(form), x, height - 7, anchor="middle")
        at += step


def key_list(entries: Sequence[tuple[str, str]]) -> str:
    """Return what colours mean, as a list: words, and the ink or ``hatch``."""
    items = "".join(
        f'<li><svg class="key" viewBox="0 0 12 12" aria-hidden="true">'
        f'<rect width="12" height="12" fill="{_paint(fill)}"/></svg>{escape(on_line(told))}</li>'
        for told, fill in entries
    )
    return f'<ul class="key">{items}</ul>'


def _paint(fill: str) -> str:
    return "url(#hatch)" if fill == "hatch" else f"var(--{fill})"
