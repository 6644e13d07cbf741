"""A batch's end as text: how many rows are answered, at what price, what is left, what to type."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from autopack.report.escaping import on_line
from autopack.report.failure_words import one_line, start_of
from autopack.report.quantities import usd
from autopack.values.money import total

_SHOWN_MOST: Final = 5
_AGAIN: Final = {
    "price_unknown": "the same line with --assume-usd-per-call USD, or with --prices FILE and "
    "--model NAME",
}
_ERROR_CHARS: Final = 100
_DONE: Final = "COMPLETE"
_ASKED: Final = "GATED"


def batch_text(
    results: Sequence[Any],
    n_rows: int,
    *,
    command: str,
    run_id: str,
    answers: str,
    reason: str | None = None,
) -> str:
    """
    Return what became of a batch, as lines.

    Args:
        results: The rows that nothing more becomes of by itself.
        n_rows: How many rows there are.
        command: How what to type next begins, with the log.
        answers: Where the answers are.
        reason: Why the drain ended, in its own word.
    """
    again = _AGAIN.get(reason or "", "the same line again goes on")
    return "\n".join(map(on_line, _lines(results, n_rows, command, run_id, answers, again)))


def _lines(
    results: Sequence[Any], n_rows: int, command: str, run_id: str, answers: str, again: str
) -> Iterator[str]:
    states = Counter(result.state for result in results)
    done, left, asked = states[_DONE], n_rows - len(results), states[_ASKED]
    failed = [result for result in results if result.state not in (_DONE, _ASKED)]
    parts = [f"{done} of {n_rows} rows answered"]
    parts += [f"{len(failed)} failed"] if failed else []
    parts += [f"{asked} waiting for a decision"] if asked else []
    parts += [f"{left} left"] if left else []
    yield f"{', '.join(parts)}; {_used(results)}"
    yield f"  answers   {answers}"
    for number, result in enumerate(failed[:_SHOWN_MOST]):
        why = start_of(one_line(result.error or result.state), _ERROR_CHARS)
        yield f"  {'failed' if not number else '':<9} {result.id}: {why}"
    if len(failed) > _SHOWN_MOST:
        yield f"            and {len(failed) - _SHOWN_MOST} more"
    steps = [*_steps(again if left else None, failed, asked, command, run_id)]
    for number, step in enumerate(steps):
        yield f"  {'next' if not number else '':<9} {step}"


def _used(results: Sequence[Any]) -> str:
    tokens = [result.tokens for result in results if result.tokens is not None]
    priced = [result.cost_usd for result in results if result.cost_usd is not None]
    used = f"{sum(tokens):,} tokens" if tokens else "no tokens told"
    if not priced:
        return f"{used}, cost unknown"
    of = "" if len(priced) == len(results) else f" for {len(priced)} of them"
    return f"{used}, {usd(total(priced))} USD{of}"


def _steps(
    again: str | None, failed: Sequence[Any], asked: int, command: str, run_id: str
) -> Iterator[str]:
    if again:
        yield again
    if failed:
        yield f"{command} history {run_id} {failed[0].id}: why it failed"
        yield f"{command} phase requeue {run_id} --failed"
        yield "the same line again, which asks for them anew"
    if asked:
        yield f"{command} phase approve {run_id}/ID (or reject, requeue)"
    if not (again or failed or asked):
        yield f"{command} run show {run_id}"
