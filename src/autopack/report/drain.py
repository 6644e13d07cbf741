"""A drain's end as text: what was done, what it cost, what failed, and why it stopped."""

from collections.abc import Iterator, Mapping
from typing import Any


def drain_text(report: Any) -> str:
    """Return a :class:`autopack.DrainReport` as lines."""
    return "\n".join(_lines(report))


def _lines(report: Any) -> Iterator[str]:
    detail = f": {report.detail}" if report.detail else ""
    seconds = f"{report.duration_s:.1f} s"
    yield f"Drain {report.drain_id} stopped after {seconds}: {report.reason}{detail}"
    yield (
        f"  phases    {report.completed} completed, {report.failed} failed, "
        f"{report.timed_out} timed out, {report.gated} waiting for a decision"
    )
    yield (
        f"  usage     {_n(report.attempts, 'attempt')}, {_n(report.calls, 'call')}, "
        f"{_n(report.total_tokens, 'token')}, {_n(report.samples, 'sample')}"
    )
    yield from _counts("no usage", report.zero_yield)
    yield from _counts("failures", report.failures)
    yield from _counts("passed", report.passed_over)


def _counts(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for number, (reason, n) in enumerate(ordered):
        yield f"  {title if number == 0 else '':<9} {n} x {' '.join(reason.split())}"


def _n(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
