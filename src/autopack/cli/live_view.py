"""A drain on a screen: a line for each phase that ended, and below what goes on, drawn anew."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import attrs
import click

from autopack.prediction.running.remaining_use import RemainingUse
from autopack.report.account_text import wait_line
from autopack.report.cells import cells, cut_end, cut_middle, filled
from autopack.report.drain_lines import STATE_CELLS, DrainLine, DrainLines
from autopack.report.escaping import on_line
from autopack.report.failure_words import one_line
from autopack.report.progress_rate import expected_end
from autopack.report.quantities import count, moment, seconds, span, usd
from autopack.report.remaining_text import between

Spans: TypeAlias = list[tuple[str, str]]
"""A line in pieces: each a text, and the name of its style or none."""

_STYLES: Final[Mapping[str, dict[str, Any]]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "odd": {"fg": "yellow"},
    "now": {"fg": "cyan"},
    "faint": {"dim": True},
}
_OF_MARKS: Final = {"done": "good", "failed": "bad", "again": "odd", "asks": "odd", "back": "odd"}
_FIGURES: Final = (14, 12, 11)
_SUBJECT_LEAST: Final = 12
_SUBJECT_MOST: Final = 60
_BAR_LEAST: Final = 8
_BAR_MOST: Final = 40
_ROWS_MOST: Final = 8
_WAITS_MOST: Final = 3


@attrs.frozen(kw_only=True)
class Signs:
    """The signs that lines are drawn with."""

    marks: Mapping[str, str]
    working: str
    done: str
    left: str
    dots: str


FULL: Final = Signs(
    marks={
        "done": "✓",
        "failed": "✗",
        "again": "↻",
        "asks": "?",
        "back": "↩",
        "note": "·",
        "aside": "·",
    },
    working="▸",
    done="━",
    left="─",
    dots="…",
)
PLAIN: Final = Signs(
    marks={
        "done": "+",
        "failed": "x",
        "again": "~",
        "asks": "?",
        "back": "<",
        "note": "-",
        "aside": "-",
    },
    working=">",
    done="#",
    left=".",
    dots="...",
)


def signs_for(encoding: str | None) -> Signs:
    """Return signs that a stream of this encoding can write."""
    try:
        "".join((*FULL.marks.values(), FULL.working, FULL.done, FULL.left, FULL.dots)).encode(
            encoding or "ascii"
        )
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    return FULL


def colours(environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether people want colours on their terminal: https://no-color.org."""
    return not (os.environ if environ is None else environ).get("NO_COLOR")


def painted(line: Spans, *, has_colours: bool) -> str:
    """Return a line as it is written."""
    if not has_colours:
        return "".join(text for text, _style in line)
    return "".join(click.style(text, **_STYLES[name]) if name else text for text, name in line)


def fitting(line: Spans, width: int, dots: str) -> Spans:
    """Return a line with its end left out if it is wider than *width* cells."""
    left, found = width, Spans()
    for text, style in line:
        if cells(text) > left:
            return [*found, (cut_end(text, left, dots), style)]
        found.append((text, style))
        left -= cells(text)
    return found


def plain_line(line: DrainLine, signs: Signs) -> str:
    """Return a line for a file or a pipe: all of it, with its time."""
    at = "" if line.at is None else f"{line.at.astimezone():%Y-%m-%d %H:%M:%S}  "
    return at + painted(ended_line(line, signs, 0, None), has_colours=False)


def ended_line(line: DrainLine, signs: Signs, subject_cells: int, width: int | None) -> Spans:
    """
    Return what became of a phase as a line.

    Args:
        subject_cells: How wide subjects are made, so that lines stand below each other.
        width: What it is cut to; None cuts nothing.
    """
    style = _OF_MARKS.get(line.mark, "faint")
    mark = (f"{signs.marks[line.mark]} ", style)
    subject, why = on_line(line.subject), on_line(line.why or "")
    if line.mark in ("note", "aside"):
        said = " ".join(filter(None, (subject, on_line(line.state))))
        text = ": ".join(filter(None, (said, why)))
        found = [mark, (text, "faint")]
    else:
        if width is not None:
            subject = cut_middle(subject, subject_cells, signs.dots)
        head = (f"{filled(subject, subject_cells)}  ", "")
        state = (f"{filled(on_line(line.state), STATE_CELLS)}  ", style)
        found = [mark, head, state, *_rest(line, why, is_aligned=width is not None)]
    text = found[-1][0].rstrip()
    found[-1] = (text, found[-1][1])
    return found if width is None else fitting(found, width, signs.dots)


def _rest(line: DrainLine, why: str, *, is_aligned: bool) -> Spans:
    figures = (
        "" if line.tokens is None else count(line.tokens, "token"),
        "" if line.cost_usd is None else f"{usd(line.cost_usd)} USD",
        "" if line.seconds is None else seconds(line.seconds),
    )
    if is_aligned and not why:
        return [(_aligned(figures), "faint")]
    told = ", ".join(filter(None, figures))
    return [(why, ""), (f" ({told})" if why and told else told, "faint")]


def _aligned(figures: Sequence[str]) -> str:
    """Return figures that end below each other; a long one takes the room of the next."""
    text, end = "", 0
    for figure, width in zip(figures, _FIGURES, strict=False):
        end += width
        text += f" {filled(figure, end - len(text) - 1, is_right=True)}"
    return text


class DrainScreen:
    """
    What a drain's screen shows.

    Args:
        lines: What tells which phases are over, and what they are called.
        before: Phases that were over before the drain began, and count as done.
    """

    def __init__(self, lines: DrainLines, signs: Signs, *, before: int = 0) -> None:
        self._lines, self._signs, self._before = lines, signs, before
        self._subject_cells = _SUBJECT_LEAST

    def ended(self, line: DrainLine, width: int) -> Spans:
        """Return what became of a phase, as a line that fits."""
        return ended_line(line, self._signs, self._wide(line.subject, width), width)

    def frame(self, status: Mapping[str, Any], size: tuple[int, int], now: datetime) -> list[Spans]:
        """
        Return what stands below the lines.

        Args:
            status: As :meth:`autopack.Drain.status` returns it.
            size: How many columns and rows there are.
        """
        width, height = size
        below = [self._bar(status, width, now), [("spent ", "faint"), (_spent(status), "")]]
        below += [[("waits ", "odd"), (line, "")] for line in _held(status, now)]
        room = max(1, min(_ROWS_MOST, height - len(below) - 4))
        working = [row for row in status["working"] if row["phase"] not in self._lines.over]
        lines = [*self._working(working, room, width), *below]
        return [fitting(line, width, self._signs.dots) for line in lines]

    def _wide(self, subject: str, width: int) -> int:
        most = max(_SUBJECT_LEAST, min(_SUBJECT_MOST, width - 6 - STATE_CELLS - sum(_FIGURES)))
        self._subject_cells = max(self._subject_cells, cells(on_line(subject)))
        return min(self._subject_cells, most)

    def _working(self, rows: list[dict[str, Any]], room: int, width: int) -> Iterator[Spans]:
        shown = rows if len(rows) <= room else rows[: max(1, room - 1)]
        for row in shown:
            subject = on_line(self._lines.named(row["phase"]))
            place = self._wide(subject, width)
            name = filled(cut_middle(subject, place, self._signs.dots), place)
            used = count(row["tokens"], "token") if row["calls"] else ""
            since = filled(_span(row["since_s"]), STATE_CELLS + 2)
            step = on_line(one_line(row["step"] or ""))
            rest = ", ".join(filter(None, (_rest_of(row.get("remaining", ())), step)))
            yield [
                (f"{self._signs.working} ", "now"), (f"{name}  ", ""),
                (f"{since}{_aligned([used])}  {rest}".rstrip(), "faint"),
            ]  # fmt: skip
        if len(rows) > len(shown):
            yield [(f"  +{len(rows) - len(shown):,} more at work", "faint")]

    def _bar(self, status: Mapping[str, Any], width: int, now: datetime) -> Spans:
        over = self._lines.over
        at_work = sum(name not in over for name in status["in_work"])
        elsewhere, waiting = status["elsewhere"], status["waiting"]
        left = status["ready"] + waiting + at_work + elsewhere
        done, n_failed = len(over) + self._before, sum(mark == "failed" for mark in over.values())
        said = [f"{done:,} of {done + left:,}"]
        said += [f"{n_failed:,} failed"] if n_failed else []
        said += [f"{at_work:,} at work"] if at_work else []
        said += [f"{waiting:,} waiting"] if waiting else []
        said += [f"{elsewhere:,} elsewhere"] if elsewhere else []
        end = expected_end(now, ended=len(over), seconds=status["elapsed_s"], left=left)
        if end is not None and left and not status["waits"] and status["paused"] is None:
            said.append(f"ends about {moment(end, now)}")
        text = ", ".join(said)
        room = min(_BAR_MOST, width - cells(text) - 2)
        if room < _BAR_LEAST:
            return [(text, "")]
        full = room if not left else min(room - 1, room * done // (done + left))
        return [
            (self._signs.done * full, "good"),
            (self._signs.left * (room - full), "faint"),
            (f"  {text}", ""),
        ]


def _rest_of(remaining: Sequence[RemainingUse]) -> str:
    """Return how many tokens an attempt will still use; nothing where too little is known."""
    known = (one for one in remaining if one.measure == "total_tokens" and one.most is not None)
    return next(map(between, known), "")


def _held(status: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """Yield why nothing more is taken, or not everything."""
    if status["paused"] is not None:
        yield on_line(f"paused: {one_line(status['paused'])}; autopack drain resume goes on")
    if status["idle"] is not None:
        yield on_line(status["idle"].removeprefix("waiting "))
    waits = [
        wait_line(wait, now).removeprefix("waiting for ").replace(" and trying it", ", being tried")
        for wait in status["waits"]
    ]
    yield from map(on_line, waits[:_WAITS_MOST])
    if len(waits) > _WAITS_MOST:
        yield f"+{len(waits) - _WAITS_MOST} more accounts or models"


def _spent(status: Mapping[str, Any]) -> str:
    limits, least = status["limits"], "at least " if status["unreadable"] else ""
    cost, minutes, tokens = status["cost_usd"], status["elapsed_s"] / 60, status["total_tokens"]
    parts = [f"{least}{_of(f'{tokens:,}', limits.get('max_tokens'))} tokens"]
    cap = limits.get("max_usd")
    if cost or cap is not None:  # without a price nothing is known, which is not zero
        parts.append(f"{least}{_of(usd(cost), None if cap is None else usd(cap))} USD")
    for name, used, unit in (
        ("max_phases", status["attempts"], "attempts"),
        ("max_samples", status["samples_won"], "samples"),
        ("max_minutes", int(minutes), "minutes"),
    ):
        if limits.get(name) is not None:
            parts.append(f"{_of(f'{used:,}', limits[name])} {unit}")
    parts.append(f"in {_span(status['elapsed_s'])}")
    return ", ".join(parts)


def _span(n: float) -> str:
    return span(timedelta(seconds=int(n)))


def _of(used: str, cap: Any) -> str:
    if cap is None:
        return used
    return f"{used} of {cap if isinstance(cap, str) else f'{cap:,g}' if cap < 1e15 else cap}"
