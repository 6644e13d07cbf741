"""
One measured row of the table, and how to take it.

What is compared is measured in turns, one after the other and over again, and what is told is the
median of the ratios of each turn: a busy moment of the machine meets all of them, or is left out.
"""

import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import attrs

ROOT = Path(__file__).parents[2]
OURS: Final = "autopack"
RAW: Final = "raw sqlite3"
PEER: Final = "eventsourcing"
clock: Callable[[], float] = time.perf_counter
"""What measures: the wall's clock, or on a machine that others use, the processor's."""

Work = Callable[[int], Any]
"""One kind of work; it is told which turn it is, from 0."""


def count_processor_time() -> None:
    """Measure the time that this process and its children work, in place of the wall's."""
    global clock
    clock = _processor_s


def _processor_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@attrs.frozen(kw_only=True)
class Row:
    """One line: what was measured, the figures side by side, how they compare, what to reach."""

    what: str
    ours: str
    raw: str = "-"
    peer: str = "-"
    beside: str = "-"
    to_reach: str
    holds: bool


def best_of(tries: int, work: Callable[[], Any]) -> float:
    """Return the shortest time of several, in seconds."""
    times = []
    for _ in range(tries):
        gc.collect()
        began = clock()
        work()
        times.append(clock() - began)
    return min(times)


def in_turns(kinds: Mapping[str, Work], turns: int) -> dict[str, list[float]]:
    """Let each kind of work have its turn, over and over; return the seconds of each turn."""
    took: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(turns):
        for name, work in kinds.items():
            gc.collect()
            began = clock()
            work(turn)
            took[name].append(clock() - began)
    return took


def ratio(took: Mapping[str, Sequence[float]], other: str) -> float:
    """Return how many times as fast as another kind ours is: the median over the turns."""
    pairs = zip(took[other], took[OURS], strict=True)
    return median(other_s / ours_s for other_s, ours_s in pairs)


def compared_row(
    what: str,
    took: Mapping[str, Sequence[float]],
    *,
    n: int,
    least: Mapping[str, float],
    beside: str = "",
) -> Row:
    """
    Return a row of kinds of work that were measured in turns.

    Args:
        what: What was done.
        took: Seconds of each turn, by kind.
        n: How many events each turn had.
        least: How many times as fast as another kind ours should be at least.
        beside: What else is to be said.
    """
    reached = {other: ratio(took, other) for other in took if other != OURS}
    ratios = [f"{value:.2f} x {other}" for other, value in reached.items()]
    rates = {name: f"{n / median(times):,.0f}/s" for name, times in took.items()}
    return Row(
        what=what,
        ours=rates[OURS],
        raw=rates.get(RAW, "-"),
        peer=rates.get(PEER, "-"),
        beside=", ".join([*ratios, *([beside] if beside else [])]),
        to_reach=", ".join(f">= {value:g} x {other}" for other, value in least.items()),
        holds=all(reached[other] >= value for other, value in least.items()),
    )


def most_row(what: str, value: float, unit: str, *, most: float, beside: str = "-") -> Row:
    """Return a row whose figure must stay below a limit."""
    return Row(
        what=what,
        ours=f"{value:,.3g} {unit}",
        beside=beside,
        to_reach=f"< {most:g} {unit}",
        holds=value < most,
    )


def process_s(*arguments: object, tries: int = 7) -> float:
    """Return the shortest time of a process, start and end included, in seconds."""
    command = [str(one) for one in arguments]
    return best_of(
        tries, lambda: subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    )


def in_child(function: str, *arguments: object) -> dict[str, Any]:
    """Return what a function of ``tests.benchmarks.children`` answers in a process of its own."""
    call = [sys.executable, "-m", "tests.benchmarks.children", function, *map(str, arguments)]
    done = subprocess.run(call, check=True, capture_output=True, text=True, cwd=ROOT)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def peak_mb() -> float:
    """Return the most memory this process has held, in MB; its parent's share not counted."""
    with open("/proc/self/status", encoding="ascii") as status:
        (peak,) = (line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(peak) / 1024


def table(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table."""
    header = ("what", OURS, RAW, PEER, "beside", "to reach", "holds")
    lines = [_line(header), "|" + " --- |" * len(header)]
    for row in rows:
        *told, holds = attrs.astuple(row)
        lines.append(_line((*told, "yes" if holds else "NO")))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
