"""Holds the drains that tests record to their choices: a replay sees the same, and chooses so."""

import contextlib
import functools
import json
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import pytest

from autopack.draining.attempts.claims import Claim
from autopack.draining.engine import engine, followed_failures
from autopack.draining.engine.drain_replay import replayed
from autopack.draining.engine.drain_session import DrainSession
from autopack.draining.engine.followed_failures import Followed
from autopack.draining.engine.past_drain import PastDrain
from autopack.draining.engine.past_failures import PastFailures
from autopack.draining.queue.admission import Admission
from autopack.errors import InvalidInputError, LogClosedError, LogError, LogGoneError
from autopack.events import DrainStarted
from autopack.log.backends.sqlite.schema import APPLICATION_ID
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log, journal_of
from autopack.log.past_backend import PastBackend
from autopack.ports.drain import DrainView

_OF: Final = int(os.environ.get("AUTOPACK_REPLAY_ONE_TEST_OF", "6"))
TALLY: Final = "AUTOPACK_REPLAY_TALLY"
"""Names the file to which each test adds what was replayed of it."""
_MEASURED: Final = "benchmarks"
"""Where nobody looks on: what is replayed there is replayed when a test is over."""
_HEADER: Final = 72
_SHORT: Final = 100
"""Reasons are cut before they are stored."""


def is_replayed(item: pytest.Item) -> bool:
    """Tell whether a test's drains are replayed: of one in six; all, if the environment says 1."""
    return is_remembering(item) or crc32(item.nodeid.encode()) % _OF == 0


def is_remembering(item: pytest.Item) -> bool:
    """Tell whether a test says that its strategy is no function of what it is shown."""
    return item.get_closest_marker("remembers") is not None


def is_looked_on(item: pytest.Item) -> bool:
    """Tell whether what its strategies are shown may be noted: not where reads are counted."""
    return item.get_closest_marker("counts_reads") is None and _MEASURED not in item.path.parts


def folder_of(item: pytest.Item) -> Path | None:
    """Return the folder of a test's own, if it has one by now: fixtures ask for it late."""
    defined = getattr(getattr(item, "_request", None), "_fixture_defs", {}).get("tmp_path")
    made = None if defined is None else defined.cached_result
    return None if made is None else made[0]


class ReplayedDrains:
    """
    Replays the drains of a test: what its strategies were shown, if they drained here, is noted.

    They are found in the logs that the test opened, before each is closed and at its end, and in
    those that it left in its folder, to which other processes wrote.

    Args:
        remembers: Whether some choice is to differ, since a strategy remembers what it did.
        folder: Returns where the test leaves its files, if it has a folder by then.
    """

    def __init__(
        self, *, remembers: bool, folder: Callable[[], Path | None] = lambda: None
    ) -> None:
        self.remembers, self._folder = remembers, folder
        self.logs: list[Log] = []
        self.strategies: dict[str, Any] = {}
        self.shown: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.failures: dict[str, tuple[Any, Any]] = {}
        self.n_same = self.n_other = 0
        self.tally = Counter[str]()
        self._seen: set[tuple[str, int]] = set()
        self._again: dict[str, Callable[[], Log]] = {}
        self._plugins: dict[str, dict[str, Any]] = {}

    @contextlib.contextmanager
    def noting(self, *, is_looked_on: bool = True) -> Iterator[None]:
        """Note which logs there are while a test goes on, and what is shown; then replay."""
        asked, opened, past_shown = engine.asked, DrainSession.open, PastDrain.shown
        made, closed = Log.__init__, Log.close
        of_failure, past_failure = Followed.__call__, PastFailures.shown
        followed, under_way = followed_failures.followed, threading.local()

        def noted(session: DrainSession, view: DrainView, **how: Any) -> Any:
            place = session._notes._place
            key = (session.drain_id, session.worker, place["read_to"], place["looked_at"])
            self.shown[key] = digest(view, session.admission)
            return asked(session, view, **how)

        def opening(session: DrainSession) -> None:
            opened(session)
            self.strategies[session.drain_id] = session.settings.strategy
            redact = session.journal.redact if session.journal.redacts else None
            plugins = {"registry": session.registry, "redact": redact}
            self._plugins[session.journal.log_id] = plugins

        @functools.wraps(made)
        def making(log: Log, backend: Any, **how: Any) -> None:
            made(log, backend, **how)
            if not isinstance(backend, PastBackend):
                self.logs.append(log)

        @functools.wraps(closed)
        def closing(log: Log) -> None:
            if log in self.logs:
                self.logs.remove(log)
                self._closing(log)
            closed(log)

        def compared(past: PastDrain, selected: Any, **how: Any) -> DrainView:
            view = past_shown(past, selected, **how)
            key = (selected.drain_id, past.views.worker, selected.read_to, selected.looked_at)
            if (before := self.shown.get(key)) is not None:
                assert before == digest(view, past.admission)
                self.tally["views"] += 1
            return view

        def failing(about: Followed, claim: Claim, event: Any) -> Any:
            under_way.token = claim.token
            return of_failure(about, claim, event)

        def noted_failure(strategy: Any, phase: Any, attempts: Any, name: str) -> Any:
            self.failures[under_way.token] = phase, tuple(attempts)
            return followed(strategy, phase, attempts, name)

        def compared_failure(past: PastFailures, failed: Any) -> Any:
            found = past_failure(past, failed)
            if (before := self.failures.get(failed.lease_token)) is not None:
                assert before == found
                self.tally["failures"] += 1
            return found

        with pytest.MonkeyPatch.context() as patch:
            if is_looked_on:
                patch.setattr(engine, "asked", noted)
                patch.setattr(Followed, "__call__", failing)
                patch.setattr(followed_failures, "followed", noted_failure)
                patch.setattr(PastFailures, "shown", compared_failure)
            patch.setattr(DrainSession, "open", opening)
            patch.setattr(Log, "__init__", making)
            patch.setattr(Log, "close", closing)
            patch.setattr(PastDrain, "shown", compared)
            yield
            self.replay_all()
        assert self.n_other > 0 or not (self.remembers and self.n_same)
        self._tell()

    def replay_all(self) -> None:
        """Replay what is in each log that is open still, on a server, or left in the folder."""
        for log in list(self.logs):
            with contextlib.suppress(LogClosedError, LogGoneError):
                self.replay(log)
        for again in [*self._again.values(), *self._left()]:
            with contextlib.suppress(LogError, sqlite3.Error), contextlib.closing(again()) as log:
                self.replay(log)

    def replay(self, log: Log) -> None:
        """Replay each drain of a log, by the strategy that it had."""
        head = log.head()
        if (head.log_id, head.position) in self._seen:
            return
        self._seen.add((head.log_id, head.position))
        if head.log_id in self._plugins:  # whoever opened it last may have had none of them
            log = self._opened(journal_of(log).backend)
        ids = [recorded.event.drain_id for recorded in log.read_all(types=[DrainStarted])]
        for drain_id in dict.fromkeys(ids):
            try:
                self._check(log, drain_id)
            except InvalidInputError as gone:  # an object that nobody has any more
                self.tally[f"drains not asked: {why_gone(gone)}"] += 1

    def _closing(self, log: Log) -> None:
        """Replay what can be read for the last time; note how to open what can be read again."""
        backend: Any = journal_of(log).backend
        if hasattr(backend, "address"):
            self._again[backend.target] = lambda: self._opened(type(backend)(backend.address))
            return
        folder = self._folder()
        is_left = folder is not None and Path(backend.target).is_relative_to(folder)
        if not (is_left or self.remembers):  # a test looks at what its strategy remembers
            with contextlib.suppress(LogClosedError, LogGoneError):
                self.replay(log)

    def _left(self) -> Iterator[Callable[[], Log]]:
        folder = self._folder()
        for path in [] if folder is None else sorted(folder.rglob("*")):
            if is_log(path):
                yield lambda path=path: self._opened(SqliteBackend(path))

    def _opened(self, backend: Any) -> Log:
        """Open a log with the plugins that a drain had here."""
        return Log(backend, **self._plugins.get(backend.identity.log_id, {}))

    def _check(self, log: Log, drain_id: str) -> None:
        found = replayed(log, drain_id, self.strategies.get(drain_id))
        self.tally["drains"] += 1
        for choice in found.answers:
            if choice.answer is None:
                self.tally[f"answers not asked: {choice.why_not}"] += 1
            elif self.remembers and choice.differs:
                self.n_other += 1
            else:
                told = f"{log.target}, drain {drain_id}, position {choice.position}"
                assert choice.recorded.what == choice.answer.what, told
                stored = journal_of(log).redact(choice.answer.reason)
                assert choice.recorded.reason[:_SHORT] == stored[:_SHORT], told
                assert choice.second is None, told
                self.n_same += 1

    @property
    def counts(self) -> Counter[str]:
        """What was replayed."""
        return self.tally + Counter({"answers the same": self.n_same, "others": self.n_other})

    def _tell(self) -> None:
        """Add what was replayed to a file, where one is named: the long run counts there."""
        if place := os.environ.get(TALLY):
            with Path(place).open("a", encoding="utf-8") as file:
                file.write(json.dumps(self.counts) + "\n")


def counted(tally: Path) -> str:
    """Return what the tests have added to a file, in a line."""
    counts = Counter[str]()
    for line in tally.read_text(encoding="utf-8").splitlines():
        counts.update(json.loads(line))
    return _in_words(counts)


def replayed_in(folder: Path) -> str:
    """Replay the drains of the logs in a folder by their own strategies; tell what was asked."""
    replays = ReplayedDrains(remembers=False, folder=lambda: folder)
    replays.replay_all()
    return _in_words(replays.counts)


def _in_words(counts: Counter[str]) -> str:
    return ", ".join(f"{n} {what}" for what, n in sorted(counts.items()))


def is_log(path: Path) -> bool:
    """Tell whether a file is a log, by its first bytes."""
    if path.is_symlink() or not path.is_file():
        return False
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(_HEADER)[-4:] == APPLICATION_ID.to_bytes(4, "big")
    return False


def why_gone(fault: InvalidInputError) -> str:
    """Return why a strategy cannot be had any more, without its name."""
    told = str(fault).partition("cannot be asked again: ")[2].partition(". Name the strategy")[0]
    return told or str(fault)


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
