"""Holds the drains that tests record to their choices: a replay sees the same, and chooses so."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import pytest

from autopack.draining.engine import engine
from autopack.draining.engine.drain_replay import replayed
from autopack.draining.engine.drain_session import DrainSession
from autopack.draining.engine.past_drain import PastDrain
from autopack.draining.queue.admission import Admission
from autopack.errors import InvalidInputError, LogClosedError, LogGoneError
from autopack.events import DrainStarted
from autopack.log.log import Log
from autopack.ports.drain import DrainView

_TESTS: Final = Path(__file__).parent
_ROOMS: Final = frozenset({
    "api", "cli", "draining", "errors", "format", "log", "plugins", "prediction", "report",
    "testing", "values",
})  # fmt: skip
"""Where tests drain whose logs are open at their ends, and whose time nobody measures."""
_OF: Final = int(os.environ.get("AUTOPACK_REPLAY_ONE_TEST_OF", "6"))


def is_replayed(item: pytest.Item) -> bool:
    """Tell whether a test's drains are replayed: of one in six; all, if the environment says 1."""
    room = item.path.relative_to(_TESTS).parts[0] if item.path.is_relative_to(_TESTS) else ""
    if room not in _ROOMS or item.get_closest_marker("counts_reads") is not None:
        return False
    return is_remembering(item) or crc32(item.nodeid.encode()) % _OF == 0


def is_remembering(item: pytest.Item) -> bool:
    """Tell whether a test says that its strategy is no function of what it is shown."""
    return item.get_closest_marker("remembers") is not None


class ReplayedDrains:
    """
    Notes what the strategies of a test's drains were shown, and replays these drains.

    Args:
        remembers: Whether some choice is to differ, since a strategy remembers what it did.
    """

    def __init__(self, *, remembers: bool) -> None:
        self.remembers = remembers
        self.logs: list[Log] = []
        self.strategies: dict[str, Any] = {}
        self.shown: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.n_same = self.n_other = 0

    @contextlib.contextmanager
    def noting(self) -> Iterator[None]:
        """Note what is shown while a test goes on."""
        asked, opened, past_shown = engine.asked, DrainSession.open, PastDrain.shown

        def noted(session: DrainSession, view: DrainView, **how: Any) -> Any:
            place = session._notes._place
            key = (session.drain_id, session.worker, place["read_to"], place["looked_at"])
            self.shown[key] = digest(view, session.admission)
            return asked(session, view, **how)

        def opening(session: DrainSession) -> None:
            opened(session)
            self.strategies[session.drain_id] = session.settings.strategy
            if session.log not in self.logs:
                self.logs.append(session.log)

        def compared(past: PastDrain, selected: Any, **how: Any) -> DrainView:
            view = past_shown(past, selected, **how)
            key = (selected.drain_id, past.views.worker, selected.read_to, selected.looked_at)
            if (before := self.shown.get(key)) is not None:
                assert before == digest(view, past.admission)
            return view

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "asked", noted)
            patch.setattr(DrainSession, "open", opening)
            patch.setattr(PastDrain, "shown", compared)
            yield
            self.replay()
        assert self.n_other > 0 or not (self.remembers and self.n_same)

    def replay(self) -> None:
        """Replay each drain of each log that is open still, by the strategy that it had."""
        for log in self.logs:
            with contextlib.suppress(LogClosedError, LogGoneError):
                self._replay(log)

    def _replay(self, log: Log) -> None:
        ids = [recorded.event.drain_id for recorded in log.read_all(types=[DrainStarted])]
        for drain_id in dict.fromkeys(ids):
            with contextlib.suppress(InvalidInputError):  # an object that nobody has any more
                self._check(log, drain_id)

    def _check(self, log: Log, drain_id: str) -> None:
        found = replayed(log, drain_id, self.strategies.get(drain_id))
        for choice in found.choices:
            if self.remembers and choice.differs:
                self.n_other += 1
            elif choice.answer is not None:
                assert choice.recorded == choice.answer
                assert choice.second is None
                self.n_same += 1


def digest(view: DrainView, admission: Admission) -> dict[str, Any]:
    """Return all of what a strategy is shown, in values of their own."""
    tried = [phase for phase in (*view.ready, *view.failed) if phase.attempts]
    return {
        "now": view.now,
        "ready": [phase.key for phase in view.ready],
        "rows": list(view.ready),
        "waiting": view.waiting,
        "next_ready_at": view.next_ready_at,
        "running": view.running,
        "elsewhere": view.elsewhere,
        "submitted": view.submitted,
        "spent_tokens": view.spent_tokens,
        "reserved_tokens": view.reserved_tokens,
        "runs": dict(view.runs),
        "failures": dict(view.failures),
        "samples": view.samples,
        "tokens_by_quarter": {q: n for q, n in view.tokens_by_quarter.items() if n},
        "failed": list(view.failed),
        "in_work": sorted(view.in_work, key=lambda phase: phase.key),
        "history": dict(view.history),
        "zero_streak": view.zero_streak,
        "groups": dict(view.groups),
        "predicted": {phase.key: view.predict(phase) for phase in view.ready},
        "attempts": {phase.key: list(view.attempts(phase.ref)) for phase in tried},
        "resting": dict(view.resting),
        "backing_off": admission.n_backing_off,
    }
