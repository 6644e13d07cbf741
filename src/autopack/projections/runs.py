"""The run board: every run as it stands; runs that only other events name are implied."""

from typing import Any, Final

import attrs

from autopack.events import (
    LlmUsageRecorded,
    PhaseQueued,
    RunCreated,
    RunFinished,
    RunPaused,
    RunPrepared,
    RunPrepareFailed,
    RunReopened,
    RunResumed,
    SampleRecorded,
)
from autopack.events.phase import PhaseEvent
from autopack.events.run import RunEvent
from autopack.ports.log import Recorded
from autopack.ports.work import RunView

_RUN_STREAM: Final = RunEvent.__args__


@attrs.frozen(kw_only=True)
class RunTotal:
    """How many runs were created, and how many are only implied by other events."""

    created: int = 0
    implied: int = 0


class RunBoard:
    """Every run by id, in the order of first mention."""

    name: Final = "runs"
    version: Final = 6
    types: Final[tuple[type, ...]] = (
        *_RUN_STREAM,
        *PhaseEvent.__args__,
        LlmUsageRecorded,
        SampleRecorded,
    )
    row_type: Final = RunView
    total_type: Final = RunTotal

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return the run's id."""
        run_id: str | None = recorded.event.run_id
        return run_id

    def project(self, row: RunView | None, recorded: Recorded[Any]) -> RunView | None:
        """Return the run after the event."""
        event = recorded.event
        if row is None:
            row = RunView(run_id=event.run_id, order=recorded.position, created=False)
        match event:
            case RunCreated(goal=goal, caps=caps, labels=labels, settings=settings) as created:
                return attrs.evolve(
                    row,
                    created=True,
                    goal=goal,
                    caps=caps,
                    labels=labels,
                    settings=settings,
                    workspace=created.workspace,
                    forked_from=created.forked_from,
                    forked_at=created.forked_at,
                    created_at=recorded.occurred_at,
                )
            case RunPaused():
                return _standing(row, is_paused=True)
            case RunResumed():
                return _standing(row, is_paused=False)
            case RunReopened():
                return _standing(row, outcome=None)
            case RunFinished(outcome=outcome):
                return _standing(row, outcome=outcome)
            case RunPrepared():
                return attrs.evolve(row, is_prepared=True)
            case RunPrepareFailed():
                return attrs.evolve(row, is_prepared=False)
            case PhaseQueued() | _:
                return row

    def initial_total(self) -> RunTotal:
        """Return the counts of an empty log."""
        return RunTotal()

    def total(self, total: RunTotal, before: RunView | None, after: RunView | None) -> RunTotal:
        """Return the counts after one run changed."""
        created, implied = total.created, total.implied
        for row, sign in ((before, -1), (after, 1)):
            if row is not None:
                created += sign if row.created else 0
                implied += 0 if row.created else sign
        return RunTotal(created=created, implied=implied)


def _standing(row: RunView, **changes: Any) -> RunView:
    # A pause outlasts an end and a reopening, and an end outlasts a pause.
    changed = attrs.evolve(row, **changes)
    is_open = "PAUSED" if changed.is_paused else "OPEN"
    return attrs.evolve(changed, status="FINISHED" if changed.outcome else is_open)


RUNS: Final = RunBoard()
