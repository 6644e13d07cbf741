"""What one attempt shows, check by check: whether draining more like it would be worth it."""

from collections.abc import Iterable
from typing import Any, Final

import attrs

from autopack.events import (
    LlmUsageRecorded,
    PhaseClaimed,
    PhaseCompleted,
    PhaseEstimated,
    PhaseFailed,
    PhaseGated,
    PhaseStarted,
    PhaseTimedOut,
)
from autopack.ports.work import USAGE_PROBLEMS
from autopack.report.failure_words import failure_words

_FEW_TOKENS: Final = 50
_ENDS: Final = (PhaseCompleted, PhaseFailed, PhaseTimedOut, PhaseGated)


@attrs.frozen(kw_only=True)
class ProbeCheck:
    """One named check; what is not needed is a warning, and does not decide."""

    name: str
    is_ok: bool
    says: str
    is_needed: bool = True


@attrs.frozen(kw_only=True)
class AttemptFacts:
    """What the last attempt's events tell."""

    estimate: PhaseEstimated | None = None
    started: bool = False
    calls: tuple[LlmUsageRecorded, ...] = ()
    end: Any = None


def last_attempt(events: Iterable[Any]) -> AttemptFacts:
    """Return what a phase's stream tells of its last attempt."""
    shown = AttemptFacts()
    for event in events:
        match event:
            case PhaseEstimated():
                shown = AttemptFacts(estimate=event)
            case PhaseClaimed():
                shown = AttemptFacts(estimate=shown.estimate)
            case PhaseStarted():
                shown = attrs.evolve(shown, started=True)
            case LlmUsageRecorded(late=False):
                shown = attrs.evolve(shown, calls=(*shown.calls, event))
            case _ if isinstance(event, _ENDS):
                shown = attrs.evolve(shown, end=event)
    return shown


def checks_of(shown: AttemptFacts) -> tuple[ProbeCheck, ...]:
    """Return the checks of an attempt, in the order in which a phase gets that far."""
    return (
        ProbeCheck(
            name="executor_called", is_ok=shown.started,
            says="the executor was called" if shown.started else "the executor was never called",
        ),
        _completed(shown.end),
        _usage_recorded(shown),
        _split_measured(shown.calls),
        _output_plausible(shown.calls),
        _within_budget(shown),
        _price_known(shown.calls),
    )  # fmt: skip


def is_go(checks: Iterable[ProbeCheck]) -> bool:
    """Tell whether every check that is needed holds."""
    return all(check.is_ok for check in checks if check.is_needed)


def _completed(end: Any) -> ProbeCheck:
    match end:
        case PhaseCompleted():
            said = "the phase is COMPLETE"
        case PhaseFailed(code=code, message=message):
            said = f"the phase failed: {failure_words(code, message)}"
        case PhaseTimedOut(message=message):
            said = f"the phase ran out of time: {message}"
        case PhaseGated(question=question):
            said = f"the phase waits for a person: {question}"
        case _:
            said = "the attempt has no recorded end"
    return ProbeCheck(name="completed", is_ok=isinstance(end, PhaseCompleted), says=said)


def _usage_recorded(shown: AttemptFacts) -> ProbeCheck:
    n = len(shown.calls)
    reason = getattr(shown.end, "zero_yield_reason", None) or "unknown"
    said = f"{n} calls were recorded" if n else f"no call was recorded: {reason}"
    is_lost = USAGE_PROBLEMS in getattr(shown.end, "artifacts", {})
    said += f", and some usage could not be read: see the artifact {USAGE_PROBLEMS}" * is_lost
    return ProbeCheck(name="usage_recorded", is_ok=bool(n) and not is_lost, says=said)


def _split_measured(calls: tuple[LlmUsageRecorded, ...]) -> ProbeCheck:
    measured = [c for c in calls if c.split == "measured" and c.output_tokens is not None]
    said = f"{len(measured)} of {len(calls)} calls have measured output tokens"
    return ProbeCheck(
        name="split_measured", is_ok=bool(calls) and len(measured) == len(calls), says=said
    )


def _output_plausible(calls: tuple[LlmUsageRecorded, ...]) -> ProbeCheck:
    output = sum(call.output_tokens or 0 for call in calls)
    said = f"{output} output tokens in all"
    if output < _FEW_TOKENS:
        said += f"; under {_FEW_TOKENS} an answer is often an empty one"
    return ProbeCheck(
        name="output_plausible", is_ok=output >= _FEW_TOKENS, says=said, is_needed=False
    )


def _within_budget(shown: AttemptFacts) -> ProbeCheck:
    budget = shown.estimate.budget_tokens if shown.estimate else 0
    most = max((call.output_tokens or 0 for call in shown.calls), default=0)
    is_cut = any(call.truncated for call in shown.calls)
    said = f"the largest answer has {most} of {budget} budgeted tokens"
    said += ", and an answer was cut" if is_cut else ""
    is_ok = not is_cut and most <= budget
    return ProbeCheck(name="within_budget", is_ok=is_ok, says=said, is_needed=False)


def _price_known(calls: tuple[LlmUsageRecorded, ...]) -> ProbeCheck:
    known = sum(call.cost_usd is not None for call in calls)
    said = f"{known} of {len(calls)} calls have a reported cost"
    is_ok = bool(calls) and known == len(calls)
    return ProbeCheck(name="cost_reported", is_ok=is_ok, says=said, is_needed=False)
