"""What a run starts from, captured once: by one worker, whoever else is draining it."""

import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from queue import SimpleQueue
from typing import Any

import attrs

from autopack.draining.attempts.claims import Claims
from autopack.draining.attempts.lease_keys import preparation_key
from autopack.draining.attempts.storable_text import storable
from autopack.errors import LogError, MachineFaultError
from autopack.events import RunPrepared, RunPrepareFailed
from autopack.format.redaction import clean
from autopack.log.write_transaction import JournalTransaction
from autopack.plugins.narrator import Narrator
from autopack.plugins.observers import answer_of
from autopack.ports.work import PhaseView, Prepared, RunView

Prepare = Callable[..., Any]


class Preparation(Enum):
    """Whether phases of a run may be claimed."""

    DONE = "done"
    FAILED = "failed"
    GOING_ON = "going on"
    ELSEWHERE = "elsewhere"


class _TakenError(Exception):
    """The lease ended while we prepared, and is another worker's now."""


@attrs.frozen
class _Going:
    """A preparation that this drain makes."""

    run: RunView
    token: str
    began_s: float
    took_s: float = 0.0


class Preparations:
    """
    Runs an executor's ``prepare(run)``, each in a thread of its own, under a lease on the run.

    A lease keeps two workers from doing it at once. It is renewed as those of phases are, and
    judged as they are: a worker that was killed keeps nobody waiting for longer. A failure is
    recorded, and tried again by the next drain.

    Args:
        prepare_of: Returns what captures a run's start; None where nothing is captured.
        runs: Returns the runs as they stand.
        most: How many may go on at once.
    """

    def __init__(
        self,
        claims: Claims,
        prepare_of: Callable[[str], Prepare | None],
        runs: Callable[[], Mapping[str, RunView]],
        *,
        most: int,
    ) -> None:
        self.wake: Callable[[], None] = lambda: None
        self._handler, self._claims, self._runs = claims.handler, claims, runs
        self._prepare_of, self.most = prepare_of, most
        self._going: dict[str, _Going] = {}
        self._elsewhere: set[str] = set()
        self._ended: SimpleQueue[tuple[_Going, Any]] = SimpleQueue()
        self._unrecorded: list[tuple[_Going, Any]] = []
        self._is_over = False

    @property
    def are_pending(self) -> bool:
        """Whether one goes on, here or elsewhere, so that phases may come of it."""
        return bool(self._going or self._elsewhere)

    @property
    def are_full(self) -> bool:
        """Whether no further one may begin now."""
        return len(self._going) >= self.most

    def let_past(self, ready: Iterable[PhaseView]) -> bool | tuple[str, ...]:
        """
        Return the runs whose ready phases others are let past: no further run may be begun now.

        Returns:
            True are all that are not prepared; none while one may be begun.
        """
        if not self.are_full:
            return ()
        runs = self._runs()
        unprepared = {one.run_id for one in ready if not runs[one.run_id].is_prepared}
        due = {run_id for run_id in unprepared if self.is_due(run_id)}
        return due == unprepared or tuple(sorted(due))

    @property
    def under_way(self) -> list[str]:
        """The runs that are being prepared here."""
        return list(self._going)

    def is_due(self, run_id: str) -> bool:
        """Tell whether a run has to be prepared before its phases are claimed."""
        return not self._runs()[run_id].is_prepared and self._prepare_of(run_id) is not None

    def holder(self, run_id: str) -> str:
        """Return which worker prepares a run."""
        return self._claims.holder(preparation_key(run_id)) or "another worker"

    def begin(self, run_id: str) -> Preparation:
        """Begin to prepare a run, unless that was done; say how it stands."""
        if not self.is_due(run_id):
            return Preparation.DONE
        if run_id in self._going:
            return Preparation.GOING_ON
        token = self._claims.hold(preparation_key(run_id))
        if token is None:
            self._elsewhere.add(run_id)
            return Preparation.ELSEWHERE
        if self._handler.run_state(run_id).is_prepared:  # while we asked
            self._claims.let_go(preparation_key(run_id), token)
            return Preparation.DONE
        going = self._going[run_id] = _Going(self._runs()[run_id], token, time.monotonic())
        name = f"autopack prepare {run_id}"
        try:
            threading.Thread(target=self._work, args=(going,), name=name, daemon=True).start()
        except RuntimeError as fault:
            del self._going[run_id]
            self._claims.let_go(preparation_key(run_id), token)
            raise MachineFaultError(f"run {run_id} could not be prepared", fault) from fault
        return Preparation.GOING_ON

    def ended(self) -> dict[str, Preparation]:
        """Record the preparations that have ended; return how they and those elsewhere stand."""
        found: dict[str, Preparation] = {}
        while not self._ended.empty():
            self._unrecorded.append(self._ended.get())
        while self._unrecorded:
            going, answer = self._unrecorded[0]
            found[going.run.run_id] = self._recorded(going, answer)
            del self._unrecorded[0], self._going[going.run.run_id]
        for run_id in list(self._elsewhere):
            if self._claims.holder(preparation_key(run_id)) is None:
                self._elsewhere.discard(run_id)
                found[run_id] = Preparation.DONE  # or it failed there, and is tried here
        return found

    def give_up(self) -> list[str]:
        """
        Leave what goes on to itself, and return the runs.

        Nobody can end a thread: its lease is renewed no more, and dropped when it ends, so that
        no other worker prepares the run beside it for a while.
        """
        self._is_over = True
        return list(self._going)

    def _work(self, going: _Going) -> None:
        prepare = self._prepare_of(going.run.run_id)
        assert prepare is not None
        answer = answer_of(prepare, going.run)
        took_s = time.monotonic() - going.began_s
        self._ended.put((attrs.evolve(going, took_s=took_s), answer))
        if self._is_over:
            with contextlib.suppress(LogError):
                self._claims.let_go(preparation_key(going.run.run_id), going.token)
        self.wake()

    def _event(self, going: _Going, answer: Any) -> RunPrepared | RunPrepareFailed:
        run_id, put = going.run.run_id, self._handler.journal.put_artifact
        try:
            if isinstance(answer, BaseException):
                raise answer
            found: Prepared = clean(storable, answer or Prepared())
            return RunPrepared(
                run_id=run_id,
                commit=found.commit,
                environment=found.environment,
                artifacts={name: put(text) for name, text in found.artifacts.items()},
                summary=found.summary,
                duration_s=going.took_s,
            )
        except LogError:
            raise
        except BaseException as fault:  # whatever it raised, it is the preparation that failed
            told = "".join(traceback.format_exception_only(fault)).strip()
            return RunPrepareFailed(
                run_id=run_id,
                code="prepare_failed",
                message=storable(told),
                duration_s=going.took_s,
            )

    def _recorded(self, going: _Going, answer: Any) -> Preparation:
        event, key = self._event(going, answer), preparation_key(going.run.run_id)

        def still_ours(transaction: JournalTransaction) -> None:
            there = transaction.store.lease(key)
            if there is None or there.token != going.token:
                raise _TakenError
            transaction.store.drop_lease(key, going.token)

        try:
            self._handler.handle(event, inside=still_ours)
        except _TakenError:
            what = "a run was prepared for nothing: its lease had ended meanwhile"
            Narrator("autopack.drain").warning(what, run=event.run_id)
            self._elsewhere.add(event.run_id)
            return Preparation.ELSEWHERE
        self._claims.forget(going.token)
        return Preparation.DONE if isinstance(event, RunPrepared) else Preparation.FAILED
