"""Sessions of clients: kept as soon as they are told, and gone on with by a later attempt."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from autopack.draining.executors.json_objects import json_object
from autopack.draining.executors.placeholders import Argument, names_in
from autopack.errors import ArtifactMissingError
from autopack.ports.attempt import Attempt, KeepsCheckpoints

SESSION: Final = "session"
"""The name of the checkpoint in which a session is kept."""

NO_FEEDBACK: Final = "Go on with the task where you were."
"""What a session is told that goes on although nothing says what was wrong."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,199}")
_PROMPTS: Final = frozenset({"prompt", "goal"})


def kept_as(client: str, session_id: str, model: str | None) -> str:
    """Return a session as the text of a checkpoint: whose it is, and on which model."""
    return json.dumps({"client": client, "session_id": session_id, "model": model})


def session_of(attempt: Attempt, client: str, model: str | None) -> str | None:
    """
    Return the session that an attempt may go on with; None if there is none.

    One of another client, or on another model, is not this one's.
    """
    if not isinstance(attempt, KeepsCheckpoints):
        return None
    try:
        kept = attempt.checkpoint_of(SESSION)
    except ArtifactMissingError:
        return None
    told = None if kept is None else json_object(kept.text)
    if told is None or told.get("client") != client or told.get("model") != model:
        return None
    found = told.get("session_id")
    return found if isinstance(found, str) and _PLAIN.fullmatch(found) else None


def resuming(
    client: str | None, command: Sequence[Argument], session_id: str
) -> tuple[Argument, ...] | None:
    """Return a client's command so that it goes on with a session; None if nobody knows how."""
    how = _HOW.get(client or "")
    return None if how is None else how(command, session_id)


def _claude(command: Sequence[Argument], session_id: str) -> tuple[Argument, ...] | None:
    place = _place_of(command, "claude")
    if place is None or "--resume" in command or "--continue" in command:
        return None
    return (*command[: place + 1], "--resume", session_id, *command[place + 1 :])


def _codex(command: Sequence[Argument], session_id: str) -> tuple[Argument, ...] | None:
    """Put the subcommand before the prompt: it takes fewer options than what it is of."""
    place = _place_of(command, "codex")
    if place is None or "resume" in command or not {"exec", "e"} & set(_texts(command)):
        return None
    for n, argument in enumerate(command[place + 1 :], start=place + 1):
        if argument == "-" or (isinstance(argument, str) and _PROMPTS & set(names_in(argument))):
            return (*command[:n], "resume", session_id, *command[n:])
    return None


def _place_of(command: Sequence[Argument], program: str) -> int | None:
    names = (one.rpartition("/")[2] for one in _texts(command))
    return next((n for n, name in enumerate(names) if name == program), None)


def _texts(command: Sequence[Argument]) -> list[str]:
    return [one if isinstance(one, str) else "" for one in command]


_HOW: Final[Mapping[str, Callable[[Sequence[Argument], str], tuple[Argument, ...] | None]]] = {
    "claude": _claude,
    "codex": _codex,
}


def with_session(source_fields: Mapping[str, Any], session_id: str | None) -> dict[str, Any]:
    """Return a failure's facts with the session in which it happened."""
    return {**source_fields, **({} if session_id is None else {"session_id": session_id})}
