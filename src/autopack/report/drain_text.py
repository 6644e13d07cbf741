"""A drain's end as text: what was done, what it cost, what failed, what is left, what to type."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from autopack.report.drain_summary import option_of
from autopack.report.escaping import on_line
from autopack.report.failure_words import kind_words, one_line
from autopack.report.progress_rate import per_minute
from autopack.report.quantities import count, seconds, usd
from autopack.report.stuck_phases import stuck_lines
from autopack.report.zero_yield_hints import ZERO_YIELD

_GROUPS_MOST: Final = 10
_PACE_FROM_S: Final = 10
_ENDS: Final[Mapping[str, str]] = {
    "empty": "done in {}, the queue is empty",
    "blocked": "ended after {}: what is left may not be taken",
    "submitted": "ended after {}: what is left is with providers",
    "limit": "ended by a limit after {}",
    "breaker": "ended by the breaker after {}",
    "price_unknown": "ended after {}: a price is missing",
    "machine": "ended after {}: the machine hindered it",
    "strategy": "ended by its strategy after {}",
    "stopped": "interrupted after {}",
}
_SIGNAL: Final = "a signal"


def drain_text(report: Any, command: str = "autopack", *, with_samples: bool = False) -> str:
    """
    Return a :class:`autopack.DrainReport` as lines.

    Args:
        command: How what to type next begins, with the log if it has to be named.
        with_samples: Whether to tell what calibrators can learn from it.
    """
    return "\n".join(map(on_line, _lines(report, command, with_samples=with_samples)))


def end_words(report: Any) -> str:
    """Return why and after how long a drain ended, in words."""
    took, detail = seconds(report.duration_s), report.detail
    said = _ENDS.get(report.reason, f"ended after {{}}: {report.reason}").format(took)
    if report.reason == "limit" and detail:
        option, _, figures = detail.partition(": ")
        if figures and option.isidentifier():
            return f"ended by {option_of(option)} after {took}: {figures}"
    if not detail or (report.reason == "stopped" and detail == _SIGNAL):
        return said
    return f"{said}: {detail}"


def _lines(report: Any, command: str, *, with_samples: bool) -> Iterator[str]:
    yield f"Drain {report.drain_id} {end_words(report)}"
    parts = [f"{report.completed:,} completed"]
    parts += [f"{report.left_failed:,} failed"] if report.left_failed else []
    parts += [f"{report.left_gated:,} waiting for you"] if report.left_gated else []
    yield from _titled("phases", [", ".join(parts)])
    yield from _titled("used", [_used(report)])
    if with_samples:
        won = f"{report.samples_won:,} of them completed"
        yield from _titled("learnt", [f"{count(report.samples, 'output')} measured, {won}"])
    yield from _titled("tried", _tried(report))
    yield from _titled("failed", _counted(_by_words(report.failures)))
    yield from _titled("no usage", _silent(report.zero_yield))
    yield from _titled("note", _notes(report, command))
    yield from _titled("observers", _counted(report.observer_faults))
    yield from _titled("stuck", stuck_lines(report.stuck))
    if report.left:
        yield from _titled("left", [f"{count(report.left, 'phase')} in the queue"])
        yield from _titled("waiting", _counted(report.passed_over))
    yield from _titled("next", _steps(report, command))


def _titled(title: str, lines: "Iterator[str] | list[str]") -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"  {title if number == 0 else '':<9} {line}"


def _used(report: Any) -> str:
    calls = f"in {count(report.calls, 'call')}"
    if not report.calls:
        return "nobody told what" if report.attempts else "nothing"
    least = "at least " if report.unreadable else ""
    cost = "cost unknown"
    if report.unpriced_calls < report.calls:
        cost = f"{least}{usd(report.cost_usd)} USD"
        if report.unpriced_calls:
            cost += f" ({count(report.unpriced_calls, 'call')} without a price)"
    return f"{least}{count(report.total_tokens, 'token')} {calls}, {cost}"


def _tried(report: Any) -> Iterator[str]:
    """Yield how often phases were tried, where that was more than once each."""
    if report.attempts <= report.completed + report.left_failed + report.left_gated:
        return
    failed = [f"{report.failed:,} failed"] if report.failed else []
    failed += [f"{report.timed_out:,} timed out"] if report.timed_out else []
    ended = report.completed + report.failed + report.timed_out + report.gated
    rate = per_minute(ended, report.duration_s) if report.duration_s >= _PACE_FROM_S else None
    pace = [] if rate is None else [f"{rate:,.1f} a minute"]
    yield ", ".join([count(report.attempts, "attempt"), *failed, *pace])


def _silent(reasons: Mapping[str, int]) -> Iterator[str]:
    """Yield of how many attempts no call is known, and what to look at."""
    for reason, n in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        yield f"{count(n, 'attempt')}: {ZERO_YIELD.get(reason, one_line(reason).replace('_', ' '))}"


def _notes(report: Any, command: str) -> Iterator[str]:
    if report.unreadable:
        yield (
            f"{count(report.unreadable, 'attempt')} printed usage that could not be read: "
            f"{command} phase text {report.unreadable_in} usage-problems"
        )
    if report.denied:
        yield (
            f"{count(report.denied, 'attempt')} had uses of tools denied: give the "
            f"program its permissions; {command} phase text {report.denied_in} denied-uses"
        )
    if report.unmetered:
        attempts = count(report.unmetered, "attempt")
        yield f"{attempts} did not tell all; {_assumed(report)} stand for it in the cap"
    for what in report.held:
        yield f"{one_line(what)} goes on, and was left"


def _assumed(report: Any) -> str:
    cost = f"{usd(report.assumed_usd)} USD" if report.assumed_usd else ""
    tokens = count(report.assumed_tokens, "token") if report.assumed_tokens or not cost else ""
    return " and ".join(filter(None, (tokens, cost)))


def _by_words(failures: Mapping[str, int]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for fingerprint, n in failures.items():
        counts[kind_words(fingerprint)] += n
    return counts


def _counted(counts: Mapping[str, int]) -> Iterator[str]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for reason, n in ordered[:_GROUPS_MOST]:
        yield f"{n:,} x {one_line(reason)}"
    if len(ordered) > _GROUPS_MOST:
        rest = sum(n for _, n in ordered[_GROUPS_MOST:])
        yield f"{rest:,} x of {len(ordered) - _GROUPS_MOST} other kinds"


def _steps(report: Any, command: str) -> Iterator[str]:
    """Return what to do about what is left, most useful first."""
    for stuck in report.stuck[:1]:
        yield f"{command} {stuck.remedy}"
    resume = f"{command} drain --resume {report.drain_id}"
    match report.reason:
        case "limit" if not (report.detail or "").startswith("idle"):
            yield f"{resume} {_raised(report)}"
        case "stopped":
            yield resume
        case "breaker":
            yield f"mend the cause, then {command} drain again; {command} history RUN shows it"
        case "price_unknown":
            yield f"{resume} --prices FILE (or --assume-usd-per-call USD, --allow-unknown-price)"
        case "machine":
            yield f"mend what hinders the machine, then {resume}"
        case "submitted":
            yield f"{command} drain: asks for what the providers have by then"
        case "blocked":
            yield f"{command} status: why the rest may not be taken"
        case "empty" if not (report.left_failed or report.left_gated) and report.calls:
            yield f"{command} usage: what it cost, by model, day or run"
    if report.left_failed:
        yield f"{command} status: which phases failed for good, and how to try them again"
    if report.left_gated:
        yield f"{command} phase show RUN/PHASE: what it asks you"
        yield f"{command} phase approve RUN/PHASE (or reject, requeue)"


def _raised(report: Any) -> str:
    """Return the option of the limit that ended the drain; its reason begins with its name."""
    name = (report.detail or "").partition(":")[0]
    return f"{option_of(name)} MORE" if name.startswith("max_") else "with the limit raised"
