"""Read, fold the tail, decide, append, retry on conflict: the one place where core and log meet."""

import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar, get_args

from autopack import budget, phase, run
from autopack.commands import BudgetCommand, Command, PhaseCommand, RunCommand
from autopack.errors import PhaseMissingError, RunMissingError, VersionConflictError
from autopack.events import BudgetEvent, PhaseQueued, RunEvent
from autopack.ids import PhaseRef, budget_stream, phase_stream, run_stream
from autopack.journal import Journal, JournalTransaction
from autopack.ports.log import Entry, Recorded

S = TypeVar("S")

_CONFLICTS_FOR_S: Final = 10.0
_KNOWN_MOST: Final = 4096


class _Known(Generic[S]):
    """
    Folded states by stream with their versions, so that only a stream's tail is read.

    Only *kinds* of events are folded: a plugin's own on the same stream are not the core's to read.
    """

    def __init__(
        self, fold: Callable[[Iterable[Any], S | None], S], kinds: tuple[type, ...]
    ) -> None:
        self._fold, self._kinds = fold, kinds
        self._states: OrderedDict[str, tuple[int, S]] = OrderedDict()
        self._lock = threading.Lock()

    def catch_up(self, journal: Journal, stream: str) -> tuple[int, S]:
        version, state = self._states.get(stream, (0, None))
        tail = list(journal.read(stream, after_version=version))
        if tail or state is None:
            events = [r.event for r in tail if isinstance(r.event, self._kinds)]
            state = self._fold(events, state)
            version = tail[-1].version if tail else version
        with self._lock:  # executors record usage from threads of their own
            self._states[stream] = (version, state)
            self._states.move_to_end(stream)
            if len(self._states) > _KNOWN_MOST:
                self._states.popitem(last=False)
        return version, state


class Handler:
    """
    Carries out commands on a log.

    A conflict means that someone else appended between our read and our append; the command is
    then decided again on what is true now, until a deadline.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._runs: _Known[run.RunState] = _Known(run.fold, get_args(RunEvent))
        self._phases: _Known[phase.PhaseState] = _Known(
            phase.fold, get_args(phase.PhaseStreamEvent)
        )
        self._budgets: _Known[budget.BudgetState] = _Known(budget.fold, get_args(BudgetEvent))

    def run_state(self, run_id: str) -> run.RunState:
        """Return a run's state as of now."""
        return self._runs.catch_up(self.journal, run_stream(run_id))[1]

    def run_caps(self, run_id: str) -> Mapping[str, float]:
        """Return a run's caps by unit: those it was given last, or was created with."""
        version, state = self._budgets.catch_up(self.journal, budget_stream(f"run-{run_id}"))
        return state.caps if version else self.run_state(run_id).caps

    def is_budgeted(self, scope: str) -> bool:
        """Tell whether a scope was ever given caps."""
        return self._budgets.catch_up(self.journal, budget_stream(scope))[0] > 0

    def phase_state(self, ref: PhaseRef) -> phase.PhaseState:
        """Return a phase's state as of now; whether it was queued is the run's to know."""
        return self._phases.catch_up(self.journal, phase_stream(ref.run_id, ref.phase_id))[1]

    def budget_state(self, scope: str) -> budget.BudgetState:
        """Return what is spent and set aside under a cap as of now."""
        return self._budgets.catch_up(self.journal, budget_stream(scope))[1]

    def decided(self, command: BudgetCommand) -> Entry:
        """Return what a command on a cap causes, to be appended in a batch with something else."""
        stream = budget_stream(command.scope)
        version, state = self._budgets.catch_up(self.journal, stream)
        return stream, budget.decide(command, state), version

    def queued(self, ref: PhaseRef) -> PhaseQueued:
        """Return what was asked for of a phase, or say that there is none of that name."""
        state = self.run_state(ref.run_id)
        if not state.exists and not state.phases:
            raise RunMissingError(ref.run_id)
        if ref.phase_id not in state.phases:
            in_order = sorted(state.phases.values(), key=lambda phase: phase.index)
            raise PhaseMissingError(ref, known=[phase.phase_id for phase in in_order])
        return state.phases[ref.phase_id]

    def handle(
        self,
        command: Command,
        *,
        also: Sequence[Entry] | Callable[[], Sequence[Entry]] = (),
        inside: Callable[[JournalTransaction, list[Recorded[Any]]], None] | None = None,
        needs_claimable_run: bool = False,
    ) -> list[Recorded[Any]]:
        """
        Decide a command and append its events.

        Args:
            command: What is asked.
            also: Entries appended in the same batch, if the command caused any event; a
                function is asked for them anew after each conflict.
            inside: Called within the transaction after the append, e.g. for the lease.
            needs_claimable_run: Also assert that the run did not change, so that a pause in
                between is a conflict.

        Returns:
            The command's events as recorded, without those of *also*.

        Raises:
            CommandRefusedError: The command is not allowed now; nothing was appended.
            VersionConflictError: Others kept appending for 10 s.
        """
        give_up = time.monotonic() + _CONFLICTS_FOR_S
        while True:
            entries = self._decide(command, needs_claimable_run)
            n_events = len(entries[0][1])
            if not n_events:
                return []
            more = also() if callable(also) else also
            batch = self.journal.redacted_entries([*entries, *more])
            try:
                with self.journal.transaction() as transaction:
                    recorded = transaction.append_batch(batch)[:n_events]
                    if inside is not None:
                        inside(transaction, recorded)
                return recorded
            except VersionConflictError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(random.uniform(0, 0.01))

    def _decide(self, command: Command, needs_claimable_run: bool) -> list[Entry]:
        if isinstance(command, RunCommand):
            stream = run_stream(command.run_id)
            version, state = self._runs.catch_up(self.journal, stream)
            return [(stream, run.decide(command, state), version)]
        if isinstance(command, BudgetCommand):
            return [self.decided(command)]
        assert isinstance(command, PhaseCommand)
        ref = command.ref
        self.queued(ref)
        run_version, run_state = self._runs.catch_up(self.journal, run_stream(ref.run_id))
        stream = phase_stream(ref.run_id, ref.phase_id)
        version, phase_state = self._phases.catch_up(self.journal, stream)
        entries: list[Entry] = [(stream, phase.decide(command, phase_state), version)]
        if needs_claimable_run:
            run.check_claimable(run_state)
            entries.append((run_stream(ref.run_id), [], run_version))
        return entries


def handler_of(log: Any) -> Handler:
    """Return the log's handler, which remembers the streams that it has folded."""
    if log.handler is None:
        log.handler = Handler(log)
    handler: Handler = log.handler
    return handler
