"""A session as a run, its turns as phases: events as far as a tool's own record supports them."""

import hashlib
from datetime import datetime
from functools import lru_cache
from pathlib import PurePath, PureWindowsPath
from typing import Any, Final, TypeAlias

import attrs

from autopack.errors import AutopackError
from autopack.events import PhaseCompleted, PhaseFailed, PhaseQueued, RunCreated
from autopack.types import NewEvent
from autopack.values.ids import derived_id, phase_id, phase_stream, run_id, run_stream
from autopack_histories.calls import HELPER, Call, likely, word
from autopack_histories.notes import Notes

Entry: TypeAlias = tuple[str, NewEvent]

CALLS_MOST: Final = 2_000
"""How many calls of a turn are held until its end is known."""

UNCATEGORISED: Final = "uncategorised"
_SESSIONS_MOST: Final = 10_000
_GOAL_CHARS: Final = 300
_KEY_CHARS: Final = 120


@attrs.frozen(kw_only=True)
class About:
    """What a tool says of a session besides its calls."""

    at: datetime | None = None
    cwd: str | None = None
    branch: str | None = None
    version: str | None = None
    title: str | None = None
    labels: dict[str, str] = attrs.Factory(dict)
    more: dict[str, Any] = attrs.Factory(dict)


@attrs.define(kw_only=True)
class _Turn:
    key: str
    at: datetime | None
    goal: str | None
    index: int
    last_at: datetime | None = None
    failed: tuple[str, str] | None = None
    is_over: bool = False
    has_calls: bool = False
    duration_s: float | None = None


class Sessions:
    """
    Makes the events of a file's sessions, in the order in which they are told.

    A call waits for the end of its turn, so that its later lines are one with it; a turn of
    thousands of calls is given in parts, and what comes later amends.

    Args:
        tool: The importer's name, which begins each run's id.

    Attributes:
        ready: Events to take out and hand on.
        run: The run of the session at hand.
    """

    def __init__(self, tool: str, notes: Notes) -> None:
        self._tool, self._notes = tool, notes
        self.ready: list[Entry] = []
        self.run: str | None = None
        self._labels: dict[str, str] = {}
        self._begun: dict[str, int] = {}
        self._calls: dict[str, Call] = {}
        self._turn: _Turn | None = None

    def take(self) -> list[Entry]:
        """Return what is ready, and hold it no longer."""
        ready, self.ready = self.ready, []
        return ready

    def session(self, key: str, about: About) -> None:
        """Begin a session, or go on with it; it is told once a file."""
        run = run_id(f"{self._tool}-{plain(key)}")
        if run == self.run:
            return
        self.end()
        self.run, self._labels = run, _labels(self._tool, about)
        if run in self._begun:
            return
        if len(self._begun) >= _SESSIONS_MOST:
            self._begun.clear()  # one that comes again is told again, and is known by its id
        self._begun[run] = 0
        fields = {
            "session_id": key,
            "cwd": word(about.cwd),
            "version": word(about.version),
            **about.more,
        }
        event = RunCreated(
            run_id=run,
            goal=_short(about.title),
            labels=self._labels,
            source_fields={name: value for name, value in fields.items() if value is not None},
        )
        self._fact(run_stream(run), event, key, about.at)

    def turn(self, key: str, at: datetime | None, goal: str | None) -> None:
        """Begin a turn, or go on with it; the one before it has ended."""
        if self.run is None or (self._turn is not None and self._turn.key == key):
            return
        self._end_turn(is_followed=True)
        self._begun[self.run] = self._begun.get(self.run, 0) + 1
        self._turn = _Turn(key=key, at=at, goal=_short(goal), index=self._begun[self.run])

    def asks(self, goal: str | None) -> bool:
        """Take what the turn at hand was asked; tell whether it had not been told yet."""
        if self._turn is None or self._turn.goal is not None:
            return False
        self._turn.goal = _short(goal)
        return True

    def call(self, call: Call, *, is_in_turn: bool = True, turn: str | None = None) -> None:
        """Take a call of the session at hand: of the turn at hand, of another, or of none."""
        call.run_id, now = self.run, self._turn
        if turn is not None and (now is None or turn != now.key):
            call.phase_id = plain(turn)
        elif now is not None and is_in_turn:
            call.phase_id, now.has_calls = plain(now.key), True
            if call.role != HELPER:
                now.last_at = call.at or now.last_at
        known = self._calls.get(call.key)
        if known is not None:
            known.take(call)
            return
        self._calls[call.key] = call
        if len(self._calls) >= CALLS_MOST:
            self._flush()

    def fail(self, code: str, message: str) -> None:
        """Say that the turn at hand failed; what comes after may still mend it."""
        if self._turn is not None:
            self._turn.failed = code, message

    def mend(self) -> None:
        """Say that the turn at hand went on after all."""
        if self._turn is not None:
            self._turn.failed = None

    def over(self, at: datetime | None, duration_s: float | None = None) -> None:
        """Say that the turn at hand has ended, and how long it took where that was measured."""
        if self._turn is not None:
            self._turn.is_over, self._turn.duration_s = True, duration_s
            self._turn.last_at = at or self._turn.last_at

    def goes_on(self) -> None:
        """Say that the turn at hand has not ended yet."""
        if self._turn is not None:
            self._turn.is_over = False

    def end(self) -> None:
        """Give what is left; a turn that nothing says has ended is left open."""
        self._end_turn(is_followed=False)
        self.run = None

    def _end_turn(self, *, is_followed: bool) -> None:
        turn, self._turn = self._turn, None
        if turn is None or self.run is None:
            self._flush()
        elif not (turn.is_over or turn.failed or is_followed):
            if turn.has_calls:
                self._notes.saw("turns that have no end yet")
            self._flush()
        elif turn.has_calls or turn.failed:
            phase = plain(turn.key)
            queued = PhaseQueued(
                run_id=self.run,
                phase_id=phase,
                index=turn.index,
                category=UNCATEGORISED,
                complexity="medium",
                goal=turn.goal,
                max_attempts=1,
                labels=self._labels,
            )
            self._fact(run_stream(self.run), queued, turn.key, turn.at)
            times = [turn.last_at or turn.at, *(call.at for call in self._calls.values())]
            self._flush()
            ended = _end(self.run, phase, turn)
            at = max((at for at in times if at is not None), default=None)
            self._fact(phase_stream(self.run, phase), ended, turn.key, at, fact="end")
        else:
            self._flush()

    def _flush(self) -> None:
        calls, self._calls = self._calls, {}
        for call in sorted(calls.values(), key=_moment):
            entry = call.entry(self._notes)
            if entry is not None:
                self.ready.append(entry)

    def _fact(
        self, stream: str, event: Any, key: str, at: datetime | None, *, fact: str | None = None
    ) -> None:
        event_id = derived_id(self._tool, key, fact or event.TYPE)
        self.ready.append((stream, NewEvent(event=event, event_id=event_id, occurred_at=at)))


def _moment(call: Call) -> float:
    return 0.0 if call.at is None else call.at.timestamp()


@lru_cache(4096)
def plain(key: str) -> str:
    """Return a key as it can name a run or a phase: as it is, or a digest of it."""
    name = key.strip().replace("/", "-")
    try:
        if len(name) <= _KEY_CHARS:
            return phase_id(name)
    except AutopackError:
        pass
    return hashlib.sha256(key.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _end(run: str, phase: str, turn: _Turn) -> PhaseCompleted | PhaseFailed:
    seconds = likely(turn.duration_s)
    if seconds is None and turn.at is not None and turn.last_at is not None:
        seconds = likely(max(0.0, (turn.last_at - turn.at).total_seconds()))
    if turn.failed is None:
        return PhaseCompleted(run_id=run, phase_id=phase, attempt=1, duration_s=seconds)
    code, message = turn.failed
    return PhaseFailed(
        run_id=run, phase_id=phase, attempt=1, code=code, message=message, duration_s=seconds
    )


def _labels(tool: str, about: About) -> dict[str, str]:
    found = {"tool": tool, "project": _project(about.cwd), "branch": word(about.branch)}
    return {**{name: value for name, value in found.items() if value}, **about.labels}


def _project(cwd: str | None) -> str | None:
    folder = word(cwd)
    if folder is None:
        return None
    path = PureWindowsPath(folder) if "\\" in folder else PurePath(folder)
    return path.name or None


def _short(text: str | None) -> str | None:
    found = word(text)
    return None if found is None else found.strip()[:_GOAL_CHARS]
