"""The live view of a drain: queue, phases in work, spend against caps, failures, expected end."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from autopack.report.account_text import wait_line
from autopack.report.escaping import on_line
from autopack.report.failure_words import kind_words
from autopack.report.progress_rate import expected_end

_ROWS_MOST: Final = 8
_WIDTH_MOST: Final = 60


def picture(status: Mapping[str, Any], failures: Mapping[str, int]) -> Any:
    """Return :meth:`autopack.Drain.status` as what rich draws."""
    from rich.box import ASCII
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table("phase", "step", "for", "calls", "tokens", box=ASCII, expand=False)
    for row in status["working"][:_ROWS_MOST]:
        cells = (
            _cut(row["phase"]), _cut(row["step"] or "-"), _span(row["since_s"]),
            str(row["calls"]), str(row["tokens"]),
        )  # fmt: skip
        table.add_row(*(Text(on_line(cell)) for cell in cells))
    lines = [Text(on_line(line), no_wrap=True) for line in lines_of(status, failures)]
    return Group(table, *lines) if status["working"] else Group(*lines)


def lines_of(status: Mapping[str, Any], failures: Mapping[str, int]) -> Iterator[str]:
    """Return what stands below the table, line by line."""
    ended = status["completed"] + status["failed"] + status["timed_out"] + status["gated"]
    left = status["ready"] + status["waiting"] + len(status["in_work"]) + status["elsewhere"]
    elsewhere = f", {status['elsewhere']} elsewhere" if status["elsewhere"] else ""
    yield (
        f"queue: {status['ready']} ready, {status['waiting']} waiting, "
        f"{len(status['in_work'])} in work{elsewhere}; {status['completed']} completed, "
        f"{status['failed']} failed, {status['timed_out']} timed out"
    )
    if status["paused"] is not None:
        yield f"paused: {_cut(status['paused'])}; go on with: autopack drain resume"
    now = datetime.now(UTC)  # noqa: TID251 - the screen's own time, for people
    for wait in status["waits"]:
        yield wait_line(wait, now)
    yield "spend: " + ", ".join(_spend(status))
    for fingerprint, n in failures.items():
        yield f"failure: {n} x {_cut(kind_words(fingerprint))}"
    end = expected_end(now, ended=ended, seconds=status["elapsed_s"], left=left)
    said = "not known yet" if end is None else end.astimezone().strftime("%H:%M:%S")
    yield f"running for {_span(status['elapsed_s'])}, expected end {said}"


def _spend(status: Mapping[str, Any]) -> Iterator[str]:
    from autopack.errors.exact_figures import figure

    limits = status["limits"]
    least = "at least " if status["unreadable"] else ""
    for name, used, unit in (
        ("max_tokens", status["total_tokens"], "tokens"),
        ("max_usd", status["cost_usd"], "USD"),
        ("max_phases", status["attempts"], "attempts"),
        ("max_samples", status["samples_won"], "samples won"),
    ):
        cap = limits.get(name)
        if unit == "USD" and cap is None and not used:
            continue  # no call had a price: nothing is known, which is not zero
        there = f"{used:.4f}" if unit == "USD" else str(used)
        if unit in ("USD", "tokens"):
            there = f"{least}{there}"
        yield f"{there} {unit}" if cap is None else f"{there} of {figure(cap)} {unit}"


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH_MOST else f"{text[: _WIDTH_MOST - 3]}..."
