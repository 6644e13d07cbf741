"""Shapes of pictures as SVG: scales with round ticks, axes, marks, bars, lines; text stays text."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

import attrs

from autopack.report.cells import cut_middle
from autopack.report.escaping import on_line

WIDTH: Final = 360
"""How wide a picture is; a unit is a sixteenth of the page's size of type."""
LINE: Final = 20
"""How high a line of text is."""
LEFT: Final = 52
"""Where a plot with an axis on its left begins."""

_LETTERS: Final = 28
_LEAST: Final = 1e-300  # what is less cannot be divided into steps
_SLIP: Final = 1e-12
_LABEL: Final = 54
_LETTER: Final = 9
"""How wide a digit is about, in a label."""
_STEPS: Final = (1.0, 2.0, 5.0)

Point = tuple[float, float]


@attrs.frozen
class Scale:
    """
    Where values stand between two places of a picture.

    Args:
        low, high: The values at the ends, the lower one first; above 0 if it is logarithmic.
        start, end: Their places.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value; what is beyond an end stands at it."""
        inside = min(max(value, self.low), self.high)
        share = (self._at(inside) - self._at(self.low)) / (self._at(self.high) - self._at(self.low))
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Return up to *most* round values between the ends, in order."""
        found = self._powers(most) if self.is_log else []
        return found if len(found) > 1 else _round_steps(self.low, self.high, most)

    def _powers(self, most: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        powers = [10.0**power for power in range(first, last + 1)]
        fine = self._within([power * step for power in powers for step in _STEPS])
        if len(fine) <= most:
            return fine
        tens = self._within(powers)
        return tens[:: max(1, math.ceil(len(tens) / most))]

    def _within(self, values: Iterable[float]) -> list[float]:
        return [value for value in values if self.low <= value <= self.high]

    def _at(self, value: float) -> float:
        return math.log(value) if self.is_log else value


def scale_of(values: Iterable[float], start: float, end: float, *, is_log: bool = False) -> Scale:
    """Return a scale that holds values: from 0 on, or logarithmic with some room at both ends."""
    some = list(values)
    if not is_log:
        most = max(some, default=0.0)
        return Scale(0.0, most if most > _LEAST else 1.0, start, end)
    return Scale(min(some) / 1.3, max(some) * 1.3, start, end, is_log=True)


def _round_steps(low: float, high: float, most: int) -> list[float]:
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (*(power * one for one in _STEPS), power * 10, power * 20):
        first, last = math.ceil(low / step - _SLIP), math.floor(high / step + _SLIP)
        if last - first < most:
            break
    return [round(step * number, 12) for number in range(first, last + 1)]


def short(value: float) -> str:
    """Return a number as an axis shows it: 0.5, 200, 5k, 2M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.4g}{letter}"
    return f"{value:.4g}"


def name(given: str) -> str:
    """Return a name that fits into a line, its middle left out if it is long."""
    return cut_middle(on_line(given), _LETTERS)


def picture(title: str, described: str, height: float, parts: Iterable[str]) -> str:
    """Return an SVG element; what it shows is told in words to who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {_n(height)}">'
        f"<title>{_escaped(title)}</title><desc>{_escaped(described)}</desc>"
        f"{''.join(parts)}</svg>"
    )


def text(told: str, x: float, y: float, *, anchor: str = "start") -> str:
    """Return a text whose base line is at *y*; *anchor* is start, middle or end."""
    return f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{_escaped(told)}</text>'


def line(points: Sequence[Point], ink: str, *, kind: str = "line") -> str:
    """Return a line through points; of the kind ``guide`` it is thin and broken."""
    return f'<polyline class="{kind}" points="{_points(points)}" stroke="var(--{ink})"/>'


def steps(points: Sequence[Point], ink: str) -> str:
    """Return a line that keeps its height until the next point."""
    held = [(x, y) for (x, _), (_, y) in zip(points[1:], points, strict=False)]
    between = [one for pair in zip(points, held, strict=False) for one in pair]
    return line([*between, points[-1]], ink)


def band(low: Sequence[Point], high: Sequence[Point], ink: str) -> str:
    """Return the area between two lines."""
    around = _points([*low, *reversed(high)])
    return f'<polygon class="band" points="{around}" fill="var(--{ink})"/>'


def bar(x: float, y: float, width: float, height: float, ink: str) -> str:
    """Return a bar; one of something is never thinner than a unit."""
    return (
        f'<rect class="bar" x="{_n(x)}" y="{_n(y)}" width="{_n(max(1.0, width))}" '
        f'height="{_n(height)}" fill="var(--{ink})"/>'
    )


def interval(low: float, middle: float, high: float, y: float, ink: str) -> str:
    """Return a bar from *low* to *high* with a mark at its middle."""
    return line([(low, y), (high, y)], ink, kind="interval") + mark(middle, y, ink)


def mark(x: float, y: float, ink: str, *, shape: str = "dot") -> str:
    """Return a mark: a dot, a cross or a triangle."""
    if shape == "dot":
        return f'<circle class="mark" cx="{_n(x)}" cy="{_n(y)}" r="4" fill="var(--{ink})"/>'
    across = f"M{_n(x - 4)} {_n(y - 4)}L{_n(x + 4)} {_n(y + 4)}M{_n(x - 4)} {_n(y + 4)}"
    if shape == "cross":
        drawn = f'd="{across}L{_n(x + 4)} {_n(y - 4)}" stroke="var(--{ink})" stroke-width="2"'
    else:
        tip = f"M{_n(x)} {_n(y - 5)}L{_n(x + 5)} {_n(y + 4)}L{_n(x - 5)} {_n(y + 4)}Z"
        drawn = f'd="{tip}" fill="var(--{ink})"'
    return f'<path class="mark" {drawn}/>'


def axis_below(scale: Scale, y: float, title: str, *, is_count: bool = False) -> str:
    """Return a horizontal axis at *y*: its line, its ticks, whole ones of counts, and its title."""
    parts = [line([(scale.start, y), (scale.end, y)], "faint", kind="axis")]
    last = -math.inf
    for value in scale.ticks():
        x, label = scale(value), short(value)
        least = max(scale.start - 10, len(label) * _LETTER / 2)  # none begins beyond the left edge
        middle = min(max(x, least), WIDTH - _LABEL / 2)
        if middle - last >= _LABEL and not (is_count and value % 1):
            parts.append(line([(x, y), (x, y + 4)], "faint", kind="axis"))
            parts.append(text(label, middle, y + LINE, anchor="middle"))
            last = middle
    parts.append(text(title, WIDTH, y + 2 * LINE, anchor="end"))
    return "".join(parts)


def axis_beside(scale: Scale, title: str, *, unit: str = "") -> str:
    """Return a vertical axis at the left: its ticks beside it, and what it is above them."""
    parts = [text(title, 0, LINE - 5)]
    for value in scale.ticks():
        y = scale(value)
        parts.append(line([(LEFT, y), (WIDTH, y)], "faint", kind="grid"))
        parts.append(text(f"{short(value)}{unit}", LEFT - 6, y + 5, anchor="end"))
    return "".join(parts)


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _escaped(told: str) -> str:
    return escape(on_line(told))
