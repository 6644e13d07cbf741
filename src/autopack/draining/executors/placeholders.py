"""Arguments with placeholders: checked once, filled in for each phase, never read by a shell."""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError
from autopack.errors.nearest import nearest
from autopack.ports.attempt import Attempt
from autopack.ports.work import PhaseView

Argument = str | Sequence[str]
"""An argument, or several that belong together and are left out if one of them has no value."""

_NAMES: Final = (
    "goal", "prompt", "phase", "run_id", "phase_id", "attempt", "category", "complexity", "tier",
    "model", "budget_tokens", "timeout_s", "deliverables", "payload", "feedback", "workspace",
)  # fmt: skip
_PREFIXES: Final = ("payload", "labels", "inputs", "settings")
_PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{([A-Za-z_][\w-]*+(?:\.[\w-]++)*+)\}")


class NoValueError(Exception):
    """The phase has no value for a placeholder that is needed."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@attrs.frozen(kw_only=True)
class Foreseen:
    """What is known of an attempt that is not made yet."""

    budget_tokens: int
    settings: Mapping[str, Any]
    number: int = 1
    workspace: str = "{workspace}"
    deadline: datetime | None = None


@attrs.frozen
class Values:
    """
    What the placeholders stand for in one attempt at a phase, or in a check of its work.

    *said* is what stands for the goal and the prompt, where a session goes on that knows them, and
    *outputs* the folder of what the attempt gave.
    """

    phase: PhaseView
    attempt: Attempt | Foreseen
    said: str | None = None
    outputs: str | None = None

    def of(self, name: str, *, or_none: bool = False) -> str | list[str]:
        """
        Return a placeholder's text; a list if it stands for several arguments.

        Args:
            or_none: A list may be empty: no deliverables, no arguments.

        Raises:
            NoValueError: The phase has none.
        """
        found = self._find(name)
        if isinstance(found, list | tuple) and (found or or_none):
            return [_text(one) for one in found]
        if found is None or found in ("", [], ()):
            raise NoValueError(name)
        return _text(found)

    def _find(self, name: str) -> Any:
        phase = self.phase
        head, *rest = name.split(".")
        if rest:
            value: Any = self.attempt.settings if head == "settings" else getattr(phase, head)
            for step in rest:
                value = value.get(step) if isinstance(value, Mapping) else None
            return value
        match head:
            case "prompt" | "goal" if self.said is not None:
                return self.said
            case "prompt":
                return prompt_of(phase)
            case "phase":
                return _phase_json(phase)
            case "attempt":
                return self.attempt.number
            case "budget_tokens":
                return self.attempt.budget_tokens
            case "workspace":
                found = self.attempt.workspace
                return None if found is None else str(found)
            case "deliverables":
                return list(phase.deliverables)
            case "outputs":
                return self.outputs
        return getattr(phase, head)


def check(texts: Mapping[str, str], *, more: Collection[str] = ()) -> None:
    """
    Return if every placeholder in *texts* is known.

    Args:
        texts: By where each stands; a text may hold a secret, and is not told.
        more: What is known there besides.

    Raises:
        InvalidInputError: One is not; names it and its place, and what is known.
    """
    for place, text in texts.items():
        for found in _PLACEHOLDER.finditer(text):
            name = found[1]
            if name is None or name in more or is_known(name):
                continue
            close = nearest(name, _NAMES)
            hint = "" if close is None else f" Did you mean {{{close}}}?"
            known = ", ".join(f"{{{one}}}" for one in (*_NAMES, *more))
            raise InvalidInputError(
                f"There is no placeholder {{{name}}} (in {place}).{hint} Known: {known}, "
                "{payload.NAME}, {labels.NAME}, {inputs.NAME}, {settings.NAME}. "
                "Double the braces to mean them.",
                name=place,
                value=name,
            )


def is_known(name: str) -> bool:
    """Tell whether a placeholder of that name stands for something of a phase."""
    head, dot, _rest = name.partition(".")
    return name in _NAMES or (bool(dot) and head in _PREFIXES)


def renamed(text: str, name_of: Callable[[str], str]) -> str:
    """Return *text* with each of its placeholders called as *name_of* says."""
    return _PLACEHOLDER.sub(lambda m: m[0] if m[1] is None else f"{{{name_of(m[1])}}}", text)


def names_in(text: str) -> list[str]:
    """Return the placeholders in a text, in order."""
    return [found[1] for found in _PLACEHOLDER.finditer(text) if found[1] is not None]


def filled(text: str, values: Values) -> str:
    """Return *text* with its placeholders filled in; several values are joined by a comma."""

    def value(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        told = values.of(found[1])
        return told if isinstance(told, str) else ", ".join(told)

    return _PLACEHOLDER.sub(value, text)


def arguments(command: Sequence[Argument], values: Values) -> list[str]:
    """
    Return the argument list of one attempt.

    An argument that is nothing but a placeholder of several values becomes several arguments.

    Raises:
        NoValueError: The phase has no value for a placeholder outside an optional group.
    """
    found: list[str] = []
    for argument in command:
        if isinstance(argument, str):
            found += _expanded(argument, values)
            continue
        try:
            found += [one for text in argument for one in _expanded(text, values)]
        except NoValueError:
            continue
    return found


def prompt_of(phase: PhaseView) -> str | None:
    """Return a prompt for an agent: the goal, then what is to be written; None without both."""
    parts = [phase.goal] if phase.goal else []
    if phase.deliverables:
        parts.append("\n".join(("Write:", *(f"- {name}" for name in phase.deliverables))))
    return "\n\n".join(parts) or None


def _expanded(text: str, values: Values) -> list[str]:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole is None or whole[1] is None:
        return [filled(text, values)]
    told = values.of(whole[1], or_none=True)
    return [told] if isinstance(told, str) else told


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _phase_json(phase: PhaseView) -> str:
    told = {
        name: getattr(phase, name)
        for name in (
            "run_id", "phase_id", "category", "complexity", "tier", "deliverables", "goal",
            "payload", "inputs", "model", "labels",
        )
    }  # fmt: skip
    return json.dumps({**told, "inputs": dict(phase.inputs), "labels": dict(phase.labels)})
