"""Importer ``mini-swe-agent``: the trajectories of mini-swe-agent."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from autopack.draining.attempts.read_figures import amount
from autopack_histories.calls import Call, inner, listed, word
from autopack_histories.documents import document
from autopack_histories.importer import FileImporter
from autopack_histories.moments import moment
from autopack_histories.notes import Notes
from autopack_histories.sessions import About, Entry, Sessions
from autopack_histories.usages import chat_figures

_DONE: Final = frozenset({"Submitted", "submitted"})


class MiniSwe(FileImporter):
    """
    Reads an answer's usage from messages of any role: of one that was refused it is in the user's.

    A trajectory is a run with one phase. Costs are the agent's own reckoning.
    """

    name: ClassVar[str] = "mini-swe-agent"

    def places(self, home: Path, environ: Mapping[str, str]) -> list[Path]:
        """Return where the tool keeps its own."""
        own = environ.get("MSWEA_GLOBAL_CONFIG_DIR")
        return [Path(own or home / ".config" / "mini-swe-agent")]

    def is_named(self, name: str) -> bool:
        """Tell whether a file may be a trajectory."""
        return name.endswith((".json", ".traj"))

    def is_mine(self, path: Path) -> bool:
        """Tell whether a file is a trajectory of this agent."""
        found = document(path, Notes())
        if not isinstance(found, dict) or not isinstance(found.get("messages"), list):
            return False
        written = str(found.get("trajectory_format", "")).startswith("mini-swe-agent")
        return written or word(inner(found, "info", "mini_version")) is not None

    def entries(self, path: Path, notes: Notes) -> Iterator[Entry]:
        """Yield the events of one trajectory."""
        found, sessions = document(path, notes), Sessions(self.name, notes)
        if isinstance(found, dict):
            _take(found, sessions, notes)
        sessions.end()
        yield from sessions.take()


def _take(found: Mapping[str, Any], sessions: Sessions, notes: Notes) -> None:
    messages = [one for one in listed(found.get("messages")) if isinstance(one, dict)]
    told = [one for one in messages if isinstance(inner(one, "extra", "response"), dict)]
    key = next((key for one in told if (key := word(inner(one, "extra", "response", "id")))), None)
    if key is None:
        notes.set_aside("trajectories without an answer that has an id")
        return
    began = _at(told[0])
    info = found.get("info")
    sessions.session(key, About(at=began, version=word(inner(info, "mini_version"))))
    goal = next((word(one.get("content")) for one in messages if one.get("role") == "user"), None)
    sessions.turn(f"{key}/task", began, goal)
    provider = (word(inner(info, "config", "model", "model_name")) or "").rpartition("/")[0]
    for message in told:
        notes.record()
        _answer(message, provider.partition("/")[0] or "litellm", sessions, notes)
    ended = word(inner(info, "exit_status"))
    if ended is not None:
        if ended not in _DONE:
            sessions.fail(ended, f"the agent ended with {ended}")
        sessions.over(max((at for one in messages if (at := _at(one))), default=began))


def _answer(message: Mapping[str, Any], provider: str, sessions: Sessions, notes: Notes) -> None:
    response = inner(message, "extra", "response")
    key, usage = word(response.get("id")), response.get("usage")
    figures = chat_figures(usage) if isinstance(usage, dict) else None
    if key is None or figures is None:
        why = "calls that nothing names" if key is None else "calls with counts that are none"
        notes.set_aside(why)
        return
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    sessions.call(
        Call(
            key=key,
            provider=provider,
            figures={**figures, "cost_usd": amount(message["extra"], "cost") or None},
            at=_at(message),
            model=word(response.get("model")),
            stop_reason=word(inner(first, "finish_reason")),
            cost_source="computed",
        )
    )


def _at(message: Mapping[str, Any]) -> Any:
    stamp = moment(inner(message, "extra", "timestamp"))
    return stamp or moment(inner(message, "extra", "response", "created"))
