"""Work for simulations: phases, and how each attempt at them ended."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from autopack.draining.attempts.fingerprints import fingerprint
from autopack.draining.simulation.simulated_drain import Answer
from autopack.draining.strategies.drain_history import TIMED_OUT
from autopack.draining.strategies.group_knowledge import evidence_in
from autopack.log import views
from autopack.log.log import Log, journal_of
from autopack.ports.drain import DrainView
from autopack.ports.prediction import Coefficients
from autopack.ports.states import PhaseStatus
from autopack.ports.work import PhaseView, RunView
from autopack.prediction.estimation.deliverables import Deliverables
from autopack.prediction.features import features_of
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ENDINGS: Final = {
    PhaseStatus.COMPLETE: "completed",
    PhaseStatus.FAILED: "failed",
    PhaseStatus.TIMED_OUT: TIMED_OUT,
    PhaseStatus.GATED: "gated",
}


@attrs.frozen(kw_only=True)
class Backlog:
    """
    Phases as if none had been tried, with the end of each attempt.

    Args:
        source: Where it comes from, in words.
        phases: In order.
        answers: By phase key: the attempts in order; the last one repeats.
        runs: The runs by id.
        left_out: How many phases have no known end, and are not in it.
        predict: Predicted output tokens of a phase.
    """

    source: str
    phases: Sequence[PhaseView]
    answers: Mapping[str, Sequence[Answer]]
    runs: Mapping[str, RunView]
    predict: Callable[[PhaseView], int]
    left_out: int = 0

    def answer(self, phase: PhaseView, attempt: int) -> Answer:
        """Return how an attempt at a phase ends."""
        found = self.answers[phase.key]
        return found[min(attempt, len(found)) - 1]

    @property
    def goes_by_model(self) -> bool:
        """Whether an attempt ends by its model; by default nobody knows other models' ends."""
        return type(self).answer is not Backlog.answer

    def check_models(self, models: Sequence[str]) -> None:
        """Refuse models whose attempts are not known; by default each attempt is asked."""

    def view(self) -> DrainView:
        """Return what a strategy is shown before anything was done."""
        ready = [phase for phase in self.phases if not phase.after]
        return DrainView(now=_START, ready=ready, runs=self.runs, predict=self.predict)

    def later(self) -> list[PhaseView]:
        """Return the phases that come after others."""
        return [phase for phase in self.phases if phase.after]

    def hopeless(self) -> frozenset[str]:
        """Return the runs none of whose phases ever completes."""
        good = {
            phase.run_id
            for phase in self.phases
            if any(one.ending == "completed" for one in self.answers[phase.key])
        }
        return frozenset(phase.run_id for phase in self.phases) - good


def recorded_backlog(log: Log) -> Backlog:
    """
    Return what a log's phases used and how they ended, as work that could have been done in
    another order.

    Phases that never ended are left out: nobody knows what they would have used. Where usage
    does not say to which attempt it belongs, a phase is one attempt.
    """
    journal = journal_of(log)
    board = views.current(journal, PHASES).rows
    runs = views.current(journal, RUNS).rows
    attempts = views.current(journal, ATTEMPTS).rows.values()
    used, samples = _used_by_attempt(attempts), _samples_by_attempt(attempts)
    ended = sorted(
        (row for row in board.values() if row.status in _ENDINGS),
        key=lambda row: (runs[row.run_id].order if row.run_id in runs else row.order, row.index,
                         row.order),
    )  # fmt: skip
    keys = {row.key for row in ended}
    n_left = len(board) - len(ended)
    return Backlog(
        source=f"{len(ended)} phases of {log.target} ({n_left} without an end are left out)",
        phases=[_fresh(row, keys) for row in ended],
        answers={row.key: _recorded(row, used.get(row.key, {}), samples) for row in ended},
        runs=runs,
        predict=predictor(),
        left_out=n_left,
    )


def _fresh(row: PhaseView, keys: set[str]) -> PhaseView:
    return PhaseView(
        run_id=row.run_id,
        phase_id=row.phase_id,
        order=row.order,
        index=row.index,
        category=row.category,
        complexity=row.complexity,
        tier=row.tier,
        deliverables=row.deliverables,
        goal=row.goal,
        model=row.model,
        priority=row.priority,
        after=tuple(name for name in row.after if f"{row.run_id}/{name}" in keys),
        max_attempts=row.max_attempts,
        prompt_tokens=row.prompt_tokens,
        max_tokens=row.max_tokens,
        max_usd=row.max_usd,
    )


def _used_by_attempt(rows: Any) -> dict[str, dict[int, tuple[int, int]]]:
    used: dict[str, dict[int, tuple[int, int]]] = {}
    for row in rows:
        if row.run_id is None or row.phase_id is None or not row.use.calls:
            continue
        by_attempt = used.setdefault(f"{row.run_id}/{row.phase_id}", {})
        calls, tokens = by_attempt.get(row.attempt or 0, (0, 0))
        by_attempt[row.attempt or 0] = (calls + row.use.calls, tokens + row.use.total_tokens)
    return used


def _samples_by_attempt(rows: Any) -> dict[tuple[str, int], AttemptRow]:
    return {
        (f"{row.run_id}/{row.phase_id}", row.attempt or 0): row
        for row in rows
        if row.run_id is not None and row.phase_id is not None
    }


def _recorded(
    row: PhaseView,
    used: Mapping[int, tuple[int, int]],
    samples: Mapping[tuple[str, int], AttemptRow],
) -> list[Answer]:
    numbers = sorted(used) or [0]
    answers = [
        Answer(ending="failed", calls=used[n][0], total_tokens=used[n][1], is_retryable=True,
               fingerprint=row.fingerprint)
        for n in numbers[:-1]
    ]  # fmt: skip
    last = numbers[-1]
    calls, tokens = used.get(last, (0, 0))
    ending = _ENDINGS[row.status]
    sample = samples.get((row.key, last)) or samples.get((row.key, 0))
    failure = row.fingerprint or fingerprint(row.reason_code or "unrecorded", row.reason or "")
    answers.append(
        Answer(
            ending=ending,
            calls=calls,
            total_tokens=tokens,
            sample=None if sample is None else _pair(sample),
            fingerprint=failure if ending == "failed" else None,
            duration_s=row.duration_s or 0.0,
        )
    )
    return answers


def _pair(row: AttemptRow) -> tuple[int, int] | None:
    if evidence_in(row, row.estimator or "") is None:
        return None
    return row.predicted_output_tokens or 1, row.actual_output_tokens or 1


def predictor() -> Callable[[PhaseView], int]:
    """Return the default estimator's prediction before any calibration, each made once."""
    estimator = Deliverables()
    base = Coefficients(estimator=estimator.name, version=estimator.base_version)
    known: dict[str, int] = {}

    def predict(phase: PhaseView) -> int:
        if phase.key not in known:
            known[phase.key] = estimator.estimate(features_of(phase), base).predicted_output_tokens
        return known[phase.key]

    return predict
