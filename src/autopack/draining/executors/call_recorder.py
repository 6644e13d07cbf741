"""The calls that a program tells of: recorded in order, each once, whatever comes between."""

import threading
from collections import deque
from datetime import datetime
from typing import Any, Final

from autopack.draining.attempts.threads import off_loop
from autopack.draining.executors.json_lines import ProgramReader
from autopack.draining.executors.session_calls import LaterCalls
from autopack.errors import (
    CapReachedError,
    EventIdConflictError,
    InvalidEventError,
    InvalidInputError,
    LeaseLostError,
)
from autopack.ports.attempt import Attempt, RecallsSessions, SessionUse

CALLS_MOST: Final = 20_000
"""How many calls of one attempt are recorded; how many more were told is said."""

CUT_MOST: Final = 1_000
"""How many are still recorded of a program that was ended, so that it does not end for minutes."""

_AT_ONCE: Final = 500
_UNREADABLE: Final = (
    InvalidInputError,
    InvalidEventError,
    EventIdConflictError,
    TypeError,
    ValueError,
)
"""What is wrong with a call's own figures; anything else is wrong with the log."""


_ODD: Final = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError,
               ValueError)  # fmt: skip
"""What a client's own file may lead to; anything else is wrong with the log."""


class ToldCalls:
    """
    Takes a reader's calls, and records them in a thread of its own.

    Each has an id before it is first tried, so that what was interrupted can be tried again. One
    that comes after a cap was reached, or the lease was lost, is recorded as well: it was paid.

    Args:
        model: The model of calls that name none.
    """

    def __init__(self, attempt: Attempt, reader: ProgramReader, *, model: str | None) -> None:
        self._attempt, self._reader, self._model = attempt, reader, model
        self._waiting: deque[dict[str, Any] | LaterCalls] = deque()
        self._problems: deque[str] = deque()
        self._recording = threading.Lock()
        self._n_told = self._n_beyond = 0

    @property
    def n_told(self) -> int:
        """How many calls the program has told of."""
        return self._n_told

    async def record(self, most: int = _AT_ONCE) -> None:
        """
        Record what was told by now, but no more than so many.

        Raises:
            LeaseLostError, CapReachedError: One was too many; all of them are recorded.
        """
        self._take()
        if not (self._waiting or self._reader.limits):
            return
        stop = await off_loop(lambda: self._record(most), f"usage of {self._attempt.ref}")
        self._tell_problems()
        if stop is not None:
            raise stop

    async def finish(self, most: int = CALLS_MOST) -> None:
        """
        Record what is left, but no more than so many calls, and say how many were not.

        Raises:
            LeaseLostError, CapReachedError: One was too many; those after it are recorded too.
        """
        stop: LeaseLostError | CapReachedError | None = None
        try:
            await self.record(most)
        except (LeaseLostError, CapReachedError) as fault:
            stop = fault
        if n_left := self._n_beyond + len(self._waiting):
            self._reader.problem(f"{n_left:,} calls were too many, and are not recorded")
        self._n_beyond = 0
        self._waiting.clear()
        if stop is not None:
            raise stop

    def _take(self) -> None:
        calls, self._reader.calls = self._reader.calls, []
        for figures in calls:
            self._n_told += 1
            if self._n_told > CALLS_MOST:
                self._n_beyond += 1
                continue
            if isinstance(figures, dict):
                self._name(figures)
            self._waiting.append(figures)

    def _name(self, figures: dict[str, Any]) -> None:
        if figures.get("call_id") is None:
            figures["call_id"] = f"{self._attempt.lease_token}-told-{self._n_told}"
        figures["model"] = figures.get("model") or self._model

    def _record(self, most: int) -> LeaseLostError | CapReachedError | None:
        stop: LeaseLostError | CapReachedError | None = None
        with self._recording:  # one that was interrupted goes on beside us
            n_done = 0
            while self._waiting and n_done < most:
                n_done += 1
                figures = self._waiting[0]
                try:
                    if not isinstance(figures, dict):
                        self._look_up(figures)
                        continue
                    self._record_one(figures)
                except (LeaseLostError, CapReachedError) as fault:
                    stop = stop or fault
                except _UNREADABLE as fault:
                    self._problems.append(f"{type(fault).__name__}: {fault} ({figures})")
                self._waiting.popleft()
            self._report_limits()
        return stop

    def _report_limits(self) -> None:
        limits, self._reader.limits = self._reader.limits, []
        for limit in limits:
            try:
                self._attempt.report_limit(**limit)
            except _UNREADABLE:  # odd figures of a client, which nothing is paid by
                continue

    def _look_up(self, later: LaterCalls) -> None:
        """Put the calls that a look at the log or a file gives in the place of what asks for it."""
        try:
            found = later.calls(self._recall, self._problems.append)
        except _ODD as fault:
            found = []
            self._problems.append(f"{type(later).__name__}: {type(fault).__name__}: {fault}")
        self._waiting.popleft()
        for figures in reversed(found):
            self._name(figures)
            self._waiting.appendleft(figures)

    def _recall(self, session_id: str) -> SessionUse:
        attempt = self._attempt
        return attempt.session_use(session_id) if isinstance(attempt, RecallsSessions) else {}

    def _record_one(self, figures: dict[str, Any]) -> None:
        told = dict(figures)
        if "occurred_at" in told:
            told["occurred_at"] = datetime.fromisoformat(told["occurred_at"])
        self._attempt.record_usage(**told)

    def _tell_problems(self) -> None:
        while self._problems:
            self._reader.problem(self._problems.popleft())
