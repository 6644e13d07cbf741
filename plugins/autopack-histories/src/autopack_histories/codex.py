"""Importer ``codex``: the rollouts that Codex keeps below ``~/.codex/sessions``."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias

import attrs

from autopack.draining.attempts.read_figures import number
from autopack_histories.calls import Call, counts, inner, word
from autopack_histories.importer import JsonLinesImporter
from autopack_histories.lines import objects_of
from autopack_histories.moments import moment
from autopack_histories.notes import Notes
from autopack_histories.sessions import About, Entry, Sessions

_PROVIDER: Final = "openai"
_NAMES: Final = {
    "input_tokens": "input_tokens",
    "cached_input_tokens": "cache_read_tokens",
    "cache_write_input_tokens": "cache_write_tokens",
    "output_tokens": "output_tokens",
    "reasoning_output_tokens": "reasoning_tokens",
}
_KINDS: Final = frozenset({"session_meta", "event_msg", "turn_context", "token_usage_record"})
_AT_ONCE: Final = 50_000
_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
_CUT: Final = "max_output_tokens"
_SAID_CHARS: Final = 300
_WHOLE: Final = ("input_tokens", "output_tokens")

_Figures: TypeAlias = dict[str, int]


@attrs.frozen
class _Line:
    """A line that tells something: when, at which place, of which kind."""

    at: datetime | None
    ordinal: int | None
    kind: str
    payload: Mapping[str, Any]

    def total(self) -> int:
        """How much the thread had used by then, for lines of one moment."""
        usage = _sums_of(self)
        return 0 if usage is None else sum(usage.get(name, 0) for name in _WHOLE)


class Codex(JsonLinesImporter):
    """
    Reads each call once: by its own record where there is one, else from the running sums.

    Sums that are told again are no call, nor are those that a fork repeats of its parent.
    """

    name: ClassVar[str] = "codex"

    def places(self, home: Path, environ: Mapping[str, str]) -> list[Path]:
        """Return where the tool keeps its own."""
        root = Path(environ.get("CODEX_HOME") or home / ".codex")
        return [root / "sessions", root / "archived_sessions"]

    def knows(self, found: dict[str, Any]) -> bool:
        """Tell whether a line has a payload of a kind that this client writes."""
        return word(found.get("type")) in _KINDS and isinstance(found.get("payload"), dict)

    def entries(self, path: Path, notes: Notes) -> Iterator[Entry]:
        """Yield the events of one thread's file."""
        thread = _Thread(path, notes)
        waiting: list[_Line] = []
        for line in objects_of(path, notes):
            payload = line.get("payload")
            if word(line.get("type")) not in _KINDS or not isinstance(payload, dict):
                continue
            ordinal = line.get("ordinal")
            place = ordinal if type(ordinal) is int else None
            waiting.append(_Line(moment(line.get("timestamp")), place, _kind(line), payload))
            if len(waiting) >= _AT_ONCE:
                yield from thread.take(waiting)
                waiting = []
        yield from thread.take(waiting)
        yield from thread.end()


class _Thread:
    """What is known of a thread while its lines are taken, in their order in time."""

    def __init__(self, path: Path, notes: Notes) -> None:
        self._path, self._notes = path, notes
        self._sessions = Sessions(Codex.name, notes)
        self._root: str | None = None
        self._turn: str | None = None
        self._model: str | None = None
        self._sums: _Figures = {}
        self._epoch = 0
        self._recorded: set[tuple[int, ...]] = set()
        self._unplaced: dict[str, tuple[int, ...]] = {}
        self._told: set[tuple[int, tuple[int, ...]]] = set()

    def take(self, lines: Sequence[_Line]) -> Iterator[Entry]:
        """Take lines, in whatever order they stand in the file."""
        ordered = _in_order(lines)
        if self._root is None:
            self._begin(ordered)
        self._recorded |= {
            _place(sums)
            for line in ordered
            if line.kind == "token_usage_record" and (sums := _sums_of(line)) is not None
        }
        self._unplaced |= _without_sums(ordered)
        for line in ordered:
            self._line(line)
            if self._sessions.ready:
                yield from self._sessions.take()

    def end(self) -> Iterator[Entry]:
        """Give what is left."""
        self._sessions.end()
        yield from self._sessions.take()

    def _begin(self, lines: Sequence[_Line]) -> None:
        metas = [line.payload for line in lines if line.kind == "session_meta"]
        parents = {word(meta.get("forked_from_id")) for meta in metas}
        own = [meta for meta in metas if word(meta.get("id")) not in parents] or metas
        named = [meta for meta in own if (word(meta.get("id")) or "?") in self._path.name]
        meta = next(iter([*named, *own]), {})
        key = word(meta.get("id")) or self._path.name.split(".")[0]
        parent = word(meta.get("forked_from_id"))
        known = self._notes.parents
        known[key] = key if parent is None else known.get(parent, parent)
        self._root = known[key]
        about = About(
            at=moment(meta.get("timestamp")) or next((x.at for x in lines if x.at), None),
            cwd=word(meta.get("cwd")),
            branch=word(inner(meta, "git", "branch")),
            version=word(meta.get("cli_version")),
            more={} if parent is None else {"forked_from": parent},
        )
        self._sessions.session(key, about)

    def _line(self, line: _Line) -> None:
        payload, at = line.payload, line.at
        match line.kind:
            case "turn_context" | "task_started" | "turn_started":
                self._model = word(payload.get("model")) or self._model
                self._begin_turn(word(payload.get("turn_id")), at, None)
            case "user_message":
                if self._turn is None or "turn_id" not in payload:
                    self._asked(at, word(payload.get("message")))
            case "token_usage_record":
                self._record(line)
            case "token_count":
                self._count(line)
            case "task_complete" | "turn_complete":
                self._ended(payload, at)
            case "turn_aborted":
                self._sessions.fail(word(payload.get("reason")) or "aborted", "the turn was ended")
                self._sessions.over(at)
            case "error":
                said = word(payload.get("message")) or "the client told an error"
                self._sessions.fail("session_error", said[:_SAID_CHARS])

    def _begin_turn(self, turn: str | None, at: datetime | None, goal: str | None) -> None:
        if turn is not None:
            self._turn = turn
            self._sessions.turn(turn, at, goal)

    def _asked(self, at: datetime | None, said: str | None) -> None:
        """Take a prompt: the words of the turn at hand, or a turn in itself if none has ids."""
        if self._turn is None or not self._sessions.asks(said):
            stamp = "" if at is None else f"{at:%Y%m%d%H%M%S%f}"
            self._sessions.turn(f"{self._root}-{stamp}", at, said)

    def _ended(self, payload: Mapping[str, Any], at: datetime | None) -> None:
        error = payload.get("error")
        if isinstance(error, Mapping):
            said = word(error.get("message")) or "the client told an error"
            code = "truncated" if _CUT in said else "session_error"
            self._sessions.fail(code, said[:_SAID_CHARS])
        duration_ms = number(payload, "duration_ms")
        self._sessions.over(at, None if duration_ms is None else duration_ms / 1000)
        self._turn = None

    def _record(self, line: _Line) -> None:
        """Take a call by its own record."""
        usage, key = line.payload.get("usage"), word(line.payload.get("response_id"))
        figures = counts(usage, _NAMES) if isinstance(usage, dict) else {}
        sums = _sums_of(line)
        if sums is not None:
            self._sums = sums
        if figures is None:
            self._notes.set_aside("calls with counts that are none")
        elif not any(figures.values()):
            self._notes.saw("records of calls that used nothing")
        else:
            turn = word(line.payload.get("turn_id"))
            self._call(key or f"{self._root}/{_place(sums or figures)}", figures, line, turn=turn)

    def _count(self, line: _Line) -> None:
        """Take running sums: what they have added is a call, if no record tells it."""
        info = line.payload.get("info")
        if info is None:
            return
        sums = _sums_of(line)
        if sums is None:
            self._notes.set_aside("running sums that are none")
            return
        place = _place(sums)
        if place in self._recorded or not any(place):
            self._sums = sums
            return
        if all(sums.get(name, 0) < self._sums.get(name, 0) for name in _WHOLE):
            if (self._epoch, place) in self._told:
                return
            self._epoch, self._sums = self._epoch + 1, {}
        elif (self._epoch, place) in self._told:
            return
        self._told.add((self._epoch, place))
        last = counts(inner(info, "last_token_usage"), _NAMES)
        if last and (record := self._record_of(_place(last))) is not None:
            del self._unplaced[record]
            self._sums = sums
            return
        figures = last if last and any(last.values()) else _beyond(sums, self._sums)
        self._sums = sums
        if not any(figures.values()):
            return
        of = self._turn or self._root
        epoch = f"-{self._epoch}" if self._epoch else ""
        self._call(f"{of}/{'-'.join(map(str, place[:2]))}{epoch}", figures, line)

    def _record_of(self, figures: tuple[int, ...]) -> str | None:
        """Return which record without running sums told a call of these figures; None if none."""
        return next((key for key, told in self._unplaced.items() if told == figures), None)

    def _call(
        self, key: str, figures: Mapping[str, int | None], line: _Line, *, turn: str | None = None
    ) -> None:
        total = sum(figures.get(name) or 0 for name in _WHOLE)
        self._sessions.call(
            Call(
                key=key,
                provider=_PROVIDER,
                figures={**figures, "total_tokens": total},
                at=line.at,
                model=self._model,
            ),
            turn=turn,
        )


def _kind(line: Mapping[str, Any]) -> str:
    if line["type"] == "event_msg":
        return word(line["payload"].get("type")) or ""
    return str(line["type"])


def _sums_of(line: _Line) -> _Figures | None:
    """Return what a thread has used by a line; None if it tells no sums, or ones that are none."""
    is_count = line.kind == "token_count"
    place = ["info", "total_token_usage"] if is_count else ["thread_token_usage"]
    usage = inner(line.payload, *place)
    found = counts(usage, _NAMES) if isinstance(usage, dict) else None
    return None if found is None else {name: n for name, n in found.items() if n is not None}


def _without_sums(lines: Sequence[_Line]) -> dict[str, tuple[int, ...]]:
    """Return the figures of records that tell no running sums, by their ids."""
    found: dict[str, tuple[int, ...]] = {}
    for line in lines:
        key, usage = word(line.payload.get("response_id")), line.payload.get("usage")
        if line.kind == "token_usage_record" and key and isinstance(usage, dict):
            figures = counts(usage, _NAMES)
            if figures and _sums_of(line) is None:
                found[key] = _place(figures)
    return found


def _place(sums: Mapping[str, int | None]) -> tuple[int, ...]:
    return tuple(sums.get(name) or 0 for name in (*_WHOLE, "cache_read_tokens"))


def _beyond(now: _Figures, before: _Figures) -> _Figures:
    return {name: max(0, count - before.get(name, 0)) for name, count in now.items()}


def _in_order(lines: Sequence[_Line]) -> list[_Line]:
    """Return lines in the order in which they were written, if the file was mixed up since."""
    if lines and all(line.ordinal is not None for line in lines):
        return sorted(lines, key=lambda line: line.ordinal or 0)
    times = [line.at for line in lines if line.at is not None]
    if all(one <= other for one, other in pairwise(times)):
        return list(lines)
    return sorted(lines, key=lambda line: (line.at or _FIRST, line.total()))
