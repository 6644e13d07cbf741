"""How each check has judged so far, and what later verdicts say of that."""

from collections.abc import Iterable
from typing import Any, Final

import attrs

from autopack.aggregates.phase.state import GATE_VERDICTS, verdict_of
from autopack.events import PhaseChecked, PhaseGateDecided, PhaseJudged
from autopack.events.verdicts import SWEEP
from autopack.log.log import Log
from autopack.ports.log import Recorded
from autopack.prediction.calibration.intervals import share_interval

_TYPES: Final = (PhaseChecked, PhaseJudged, PhaseGateDecided)


@attrs.frozen(kw_only=True)
class ErrorShare:
    """
    How often a check was wrong about work of which a later verdict is known.

    Args:
        errors: So many.
        known: Of so many.
        share, low, high: Their share, and its 95 % interval; None without any.
    """

    errors: int
    known: int
    share: float | None = None
    low: float | None = None
    high: float | None = None


@attrs.frozen(kw_only=True)
class CheckFigures:
    """
    How a check has judged.

    Args:
        judged: Attempts that it judged, each by its last word.
        passed, failed, could_not_run: Of these.
        false_passes: Of work that is wrong, by a later verdict, how much it let pass.
        false_failures: Of work that is right, how much it did not.
    """

    check: str
    judged: int
    passed: int
    failed: int
    could_not_run: int
    false_passes: ErrorShare
    false_failures: ErrorShare


@attrs.frozen
class _Said:
    """One verdict: of a check by its name, or of a person; and what was judged at once."""

    check: str | None
    judging: str | None
    is_right: bool | None


def figures_of(log: Log) -> list[CheckFigures]:
    """Return the figures of every check that has judged an attempt of a log, by name."""
    return figures(log.read_all(types=list(_TYPES)))


def figures(told: Iterable[Recorded[Any]]) -> list[CheckFigures]:
    """Return the figures of every check among verdicts in the order of their log."""
    attempts: dict[tuple[str, str, int | None], list[_Said]] = {}
    for recorded in told:
        event = recorded.event
        if getattr(event, "by", None) == SWEEP:
            continue  # it looked at others' work as well
        attempts.setdefault((event.run_id, event.phase_id, event.attempt), []).append(_said(event))
    last: dict[str, list[tuple[_Said, bool | None]]] = {}
    for verdicts in attempts.values():
        for place, said in enumerate(verdicts):
            later = verdicts[place + 1 :]
            if said.check is None or any(one.check == said.check for one in later):
                continue
            last.setdefault(said.check, []).append((said, _truth(said, later)))
    return [_figures(name, last[name]) for name in sorted(last)]


def _said(event: PhaseChecked | PhaseJudged | PhaseGateDecided) -> _Said:
    if isinstance(event, PhaseGateDecided):
        return _Said(None, None, GATE_VERDICTS.get(event.decision))
    if isinstance(event, PhaseJudged):
        return _Said(None, None, event.right)
    return _Said(event.check, event.judging or event.lease_token, verdict_of(event))


def _truth(said: _Said, later: list[_Said]) -> bool | None:
    """Return whether the work is right, by who spoke later and did not judge together with it."""
    is_right = None
    for one in later:
        is_together = one.check is not None and one.judging == said.judging
        if one.is_right is not None and not is_together:
            is_right = one.is_right
    return is_right


def _figures(name: str, last: list[tuple[_Said, bool | None]]) -> CheckFigures:
    verdicts = [said.is_right for said, _truth in last]
    return CheckFigures(
        check=name,
        judged=len(last),
        passed=verdicts.count(True),
        failed=verdicts.count(False),
        could_not_run=verdicts.count(None),
        false_passes=_errors(last, is_right=False),
        false_failures=_errors(last, is_right=True),
    )


def _errors(last: list[tuple[_Said, bool | None]], *, is_right: bool) -> ErrorShare:
    """Return how often work that is right, or wrong, was judged otherwise."""
    said = [one.is_right for one, truth in last if truth is is_right and one.is_right is not None]
    errors = sum(one is not is_right for one in said)
    if not said:
        return ErrorShare(errors=0, known=0)
    low, high = share_interval(errors, len(said))
    return ErrorShare(errors=errors, known=len(said), share=errors / len(said), low=low, high=high)
