"""The variables that a program gets: those that were given, and what it is told of its attempt."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from autopack.draining.executors.placeholders import Foreseen
from autopack.errors import InvalidInputError
from autopack.ports.attempt import Attempt
from autopack.ports.work import PhaseView

_VARIABLE_MOST: Final = 100_000
"""How long a text a variable holds, in bytes; the system takes 128 KiB, name and all."""


def given_variables(env: Any) -> dict[str, str]:
    """Return variables by name; what is wrong is told without any value: it may be a secret."""
    if env is not None and not isinstance(env, Mapping):
        raise InvalidInputError(
            'env is no table: give variables by name, {"NAME": "VALUE"}.', name="env"
        )
    for name, value in (env or {}).items():
        if not isinstance(name, str) or not name or {"=", "\0"} & set(name):
            raise InvalidInputError(
                f"env: {name!r} cannot name a variable.", name="env", value=name
            )
        if not isinstance(value, str) or "\0" in value:
            raise InvalidInputError(
                f"env: the value of {name} is no text that a program can get.", name=f"env.{name}"
            )
    return dict(env or {})


def own_variables(phase: PhaseView, attempt: Attempt | Foreseen) -> dict[str, str]:
    """Return what a program is told of its phase and attempt."""
    told = {
        "AUTOPACK_RUN_ID": phase.run_id,
        "AUTOPACK_PHASE_ID": phase.phase_id,
        "AUTOPACK_ATTEMPT": str(attempt.number),
        "AUTOPACK_BUDGET_TOKENS": str(attempt.budget_tokens),
    }
    texts = {
        "AUTOPACK_GOAL": phase.goal,
        "AUTOPACK_MODEL": phase.model,
        "AUTOPACK_FEEDBACK": phase.feedback,
        "AUTOPACK_WORKSPACE": None if attempt.workspace is None else str(attempt.workspace),
    }
    told |= {
        name: text.replace("\0", "\ufffd")
        for name, text in texts.items()
        if text and len(text.encode()) <= _VARIABLE_MOST
    }
    if attempt.deadline is not None:
        told["AUTOPACK_DEADLINE"] = datetime.fromtimestamp(
            attempt.deadline.timestamp(), UTC
        ).isoformat()
    return told
