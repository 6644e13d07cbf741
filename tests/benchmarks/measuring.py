"""One measured row of the table, and how to take it: the best of several tries in one process."""

import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).parents[2]
clock: Callable[[], float] = time.perf_counter
"""What measures: the wall's clock, or on a machine that others use, the processor's."""


def count_processor_time() -> None:
    """Measure the time that this process and its children work, in place of the wall's."""
    global clock
    clock = _processor_s


def _processor_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@attrs.frozen
class Row:
    """One line: what was measured, its figure, what it is compared with, and what to reach."""

    what: str
    measured: str
    beside: str
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


def ratio_row(what: str, *, n: int, ours_s: float, raw_s: float, least: float, raw: str) -> Row:
    """Return a row that compares our rate with a raw one."""
    reached = raw_s / ours_s
    return Row(
        what,
        f"{n / ours_s:,.0f}/s",
        f"{reached:.2f} x {raw} ({n / raw_s:,.0f}/s)",
        f">= {least:g} x",
        reached >= least,
    )


def most_row(what: str, value: float, unit: str, *, most: float, beside: str = "") -> Row:
    """Return a row whose figure must stay below a limit."""
    return Row(what, f"{value:,.3g} {unit}", beside, f"< {most:g} {unit}", value < most)


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
    lines = ["| what | measured | beside | to reach | holds |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {row.what} | {row.measured} | {row.beside or '-'} | {row.to_reach} "
        f"| {'yes' if row.holds else 'NO'} |"
        for row in rows
    ]
    return "\n".join(lines)
