"""What alarms would have saved and lost, had they been raised in a history."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, TypeAlias

import attrs

from autopack.ports.log import Recorded
from autopack.prediction.running.remaining_use import (
    MEASURES,
    EndedAttempts,
    RunningMeasure,
    amounts_of,
)
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.call_use import Use
from autopack.values.money import ZERO, Usd

TAUS: Final = (0.9, 0.95, 0.99)
"""The shares that alarms are judged at."""

_Kind: TypeAlias = tuple[RunningMeasure, float]


@attrs.frozen(kw_only=True)
class AlarmScore:
    """
    What alarms past the share *tau* of those that ended well would have saved and lost.

    ``stop`` saves and loses all of it; ``ask`` saves what a person would not have let go on;
    ``note`` nothing. Later attempts at the phases are not reckoned with.

    Args:
        judged: Attempts that were looked at: enough like them had ended well by then.
        alarmed: How many of them went past the limit.
        failed: How many of these did not end well all the same.
        saved_tokens, saved_usd, saved_s: What those used after the alarm, as far as it is known.
        completed: How many ended well.
        lost_tokens, lost_usd, lost_s: What those had used at the alarm, which would be for nothing.
    """

    measure: RunningMeasure
    tau: float
    judged: int = 0
    alarmed: int = 0
    failed: int = 0
    saved_tokens: int = 0
    saved_usd: Usd = ZERO
    saved_s: float = 0.0
    completed: int = 0
    lost_tokens: int = 0
    lost_usd: Usd = ZERO
    lost_s: float = 0.0


class _Spent(NamedTuple):
    """What an attempt had used at a moment; pico-dollars."""

    tokens: int
    pico_usd: int
    seconds: float


class AlarmReplay:
    """Raises the alarms of a history, each by what had ended by then."""

    def __init__(self) -> None:
        self._past = EndedAttempts()
        self._rows: dict[str, AttemptRow] = {}
        self._over: set[str] = set()
        self._judged: dict[str, set[_Kind]] = defaultdict(set)
        self._alarmed: dict[str, dict[_Kind, _Spent]] = defaultdict(dict)
        self._scores = {
            (measure, tau): AlarmScore(measure=measure, tau=tau)
            for measure in MEASURES
            for tau in TAUS
        }

    def scores(self, events: Iterable[Recorded[Any]]) -> tuple[AlarmScore, ...]:
        """Return the scores after the events of a log, in its order, and those before them."""
        for recorded in events:
            key = ATTEMPTS.key(recorded) if isinstance(recorded.event, ATTEMPTS.types) else None
            if key is None or key in self._over:
                continue
            before = self._rows.get(key)
            row = ATTEMPTS.project(before, recorded)
            if row is None or row.attempt is None:
                continue
            self._rows[key] = row
            if before is None or before.ending is None:
                self._look(key, before, row, recorded.row[6])
            if row.ending is not None and (row.success is not None or row.ending != "gated"):
                self._end(key, row)
        self._rows.clear()
        return tuple(self._scores.values())

    def _look(self, key: str, before: AttemptRow | None, row: AttemptRow, at_us: int) -> None:
        took_s = None if row.claimed_us is None else max(0.0, (at_us - row.claimed_us) / 1e6)
        for measure, used in amounts_of(row.use, took_s).items():
            for tau in TAUS:
                kind = (measure, tau)
                if kind in self._alarmed[key]:
                    continue
                limit = self._past.limit(row, measure, tau)
                if limit is None:
                    continue
                self._judged[key].add(kind)
                if used <= limit.amount:
                    continue
                if measure == "seconds" and before is not None:  # before the call that told us
                    self._alarmed[key][kind] = _spent(before.use, limit.amount)
                else:
                    self._alarmed[key][kind] = _spent(row.use, took_s)

    def _end(self, key: str, row: AttemptRow) -> None:
        for kind in self._judged.pop(key, ()):
            found = attrs.evolve(self._scores[kind], judged=self._scores[kind].judged + 1)
            self._scores[kind] = found
        whole = _spent(row.use, row.duration_s)
        for kind, then in self._alarmed.pop(key, {}).items():
            self._scores[kind] = _scored(self._scores[kind], then, whole, is_well=bool(row.success))
        self._past.learn(row)
        del self._rows[key]
        self._over.add(key)


def _spent(use: Use, seconds: float | None) -> _Spent:
    return _Spent(use.total_tokens, use.cost_pico_usd, seconds or 0.0)


def _scored(score: AlarmScore, then: _Spent, whole: _Spent, *, is_well: bool) -> AlarmScore:
    if is_well:
        return attrs.evolve(
            score,
            alarmed=score.alarmed + 1,
            completed=score.completed + 1,
            lost_tokens=score.lost_tokens + then.tokens,
            lost_usd=Usd.of_pico(score.lost_usd.pico + then.pico_usd),
            lost_s=score.lost_s + then.seconds,
        )
    return attrs.evolve(
        score,
        alarmed=score.alarmed + 1,
        failed=score.failed + 1,
        saved_tokens=score.saved_tokens + max(0, whole.tokens - then.tokens),
        saved_usd=Usd.of_pico(score.saved_usd.pico + max(0, whole.pico_usd - then.pico_usd)),
        saved_s=score.saved_s + max(0.0, whole.seconds - then.seconds),
    )
