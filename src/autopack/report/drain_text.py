"""A drain's end as text: what was done, what it cost, what failed, and why it stopped."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from autopack.report.escaping import on_line
from autopack.report.failure_words import kind_words, one_line
from autopack.report.progress_rate import per_minute
from autopack.report.stuck_phases import stuck_lines
from autopack.report.zero_yield_hints import ZERO_YIELD

_GROUPS_MOST = 10


def drain_text(report: Any, command: str = "autopack") -> str:
    """
    Return a :class:`autopack.DrainReport` as lines.

    Args:
        command: How what to type next begins, with the log if it has to be named.
    """
    return "\n".join(map(on_line, _lines(report, command)))


def _lines(report: Any, command: str) -> Iterator[str]:
    detail = f": {report.detail}" if report.detail else ""
    seconds = f"{report.duration_s:.1f} s"
    yield f"Drain {report.drain_id} stopped after {seconds}: {report.reason}{detail}"
    yield (
        f"  phases    {report.completed} completed, {report.left_failed} failed, "
        f"{report.gated} waiting for a decision"
    )
    if report.failed or report.timed_out:
        yield (
            f"  attempts  {report.failed} failed and {report.timed_out} timed out, "
            f"of {report.attempts}"
        )
    yield (
        f"  usage     {_n(report.attempts, 'attempt')}, {_n(report.calls, 'call')}, "
        f"{_tokens(report)}, {_n(report.samples, 'sample')} ({report.samples_won} won), "
        f"{_cost(report)}"
    )
    if report.unreadable:
        yield (
            f"  unread    {_n(report.unreadable, 'attempt')} printed usage that could not be read: "
            f"{command} phase text {report.unreadable_in} usage-problems"
        )
    if report.denied:
        yield (
            f"  denied    {_n(report.denied, 'attempt')} had uses of tools denied: give the "
            f"program its permissions; {command} phase text {report.denied_in} denied-uses"
        )
    if rates := _rates(report):
        yield f"  rates     {rates}"
    if report.unmetered:
        attempts = _n(report.unmetered, "attempt")
        yield f"  caps      {attempts} did not tell all; {_assumed(report)} stand for it in the cap"
    yield from _counts("no usage", report.zero_yield)
    for reason in sorted(report.zero_yield):
        if reason in ZERO_YIELD:
            yield f"            {reason}: {ZERO_YIELD[reason]}"
    yield from _counts("failures", _by_words(report.failures))
    yield from _counts("passed", report.passed_over)
    yield from _counts("observers", report.observer_faults)
    for number, what in enumerate(report.held):
        yield f"  {'held' if number == 0 else '':<9} {one_line(what)} goes on, and was left"
    for number, line in enumerate(stuck_lines(report.stuck)):
        yield f"  {'stuck' if number == 0 else '':<9} {line}"
    for number, step in enumerate(_steps(report, command)):
        yield f"  {'next' if number == 0 else '':<9} {step}"


def _tokens(report: Any) -> str:
    if not report.unreadable:
        return _n(report.total_tokens, "token")
    known = report.total_tokens
    return f"at least {_n(known, 'token')}" if known else "tokens unknown"


def _assumed(report: Any) -> str:
    usd = f"{report.assumed_usd:.4f} USD" if report.assumed_usd else ""
    tokens = _n(report.assumed_tokens, "token") if report.assumed_tokens or not usd else ""
    return " and ".join(filter(None, (tokens, usd)))


def _cost(report: Any) -> str:
    if not (report.calls or report.unreadable):
        return "no cost"
    if report.unpriced_calls == report.calls:
        return "cost unknown"
    least = "at least " if report.unreadable else ""
    without = report.unpriced_calls
    unpriced = f" ({without} calls without a price)" if without else ""
    return f"{least}{report.cost_usd:.4f} USD{unpriced}"


def _rates(report: Any) -> str:
    ended = report.completed + report.failed + report.timed_out + report.gated
    if not ended:
        return ""
    judged = ended - report.gated  # what waits for a decision has neither succeeded nor failed
    parts = [f"{report.completed / judged:.0%} of attempts succeeded"] if judged else []
    for n, noun in ((ended, "attempts"), (report.samples_won, "samples won")):
        rate = per_minute(n, report.duration_s)
        if rate is not None:
            parts.append(f"{rate:.1f} {noun} a minute")
    return ", ".join(parts)


def _by_words(failures: Mapping[str, int]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for fingerprint, n in failures.items():
        counts[kind_words(fingerprint)] += n
    return counts


def _counts(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for number, (reason, n) in enumerate(ordered[:_GROUPS_MOST]):
        yield f"  {title if number == 0 else '':<9} {n} x {one_line(reason)}"
    if len(ordered) > _GROUPS_MOST:
        rest = sum(n for _, n in ordered[_GROUPS_MOST:])
        yield f"            {rest} x of {len(ordered) - _GROUPS_MOST} other kinds"


def _steps(report: Any, command: str) -> Iterator[str]:
    """Return what to do about what is left, most useful first."""
    for stuck in report.stuck[:1]:
        yield f"{command} {stuck.remedy}"
    if report.left_failed:
        yield f"{command} status: which phases failed for good, and what to requeue"
    if report.gated:
        yield f"{command} phase show RUN/PHASE: what waits for a decision"
        yield f"{command} phase approve RUN/PHASE --why REASON (or reject, requeue)"
    match report.reason:
        case "limit":
            yield f"{command} drain --resume {report.drain_id}, with {_limit(report)} raised"
        case "stopped":
            yield f"{command} drain --resume {report.drain_id}"
        case "breaker":
            yield f"mend the cause, then {command} drain again; {command} history RUN shows it"
        case "price_unknown":
            yield "--prices FILE, --assume-usd-per-call USD, or --allow-unknown-price"
        case "machine":
            yield f"mend what hinders the machine, then {command} drain --resume {report.drain_id}"
        case "blocked":
            yield "see above why the rest may not be taken"


def _limit(report: Any) -> str:
    """Return the option of the limit that ended the drain; its reason begins with its name."""
    name = (report.detail or "").partition(":")[0]
    return f"--{name.replace('_', '-')}" if name.startswith("max_") else "the limit"


def _n(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
