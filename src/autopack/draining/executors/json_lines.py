"""What a program says of its work in JSON lines: calls, steps, and how it ended."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

from autopack.draining.attempts.executor_results import bad_outcome
from autopack.errors import InvalidInputError
from autopack.ports.work import Completed, Failed, NeedsPerson, Outcome
from autopack.report.failure_words import start_of
from autopack.values.money import Usd

_PREFIX: Final = "autopack."
_ENDINGS: Final = frozenset({"completed", "failed", "needs_person"})
_MOST_PROBLEMS: Final = 20
_SHOWN_CHARS: Final = 120
_CLAIM: Final = re.compile(r"""\s*\{.*?["']type["']\s*:\s*["']autopack\.""")


class ProgramReader:
    """
    Reads what a program prints, line by line. This one knows Autopack's own lines.

    A line counts if it is a JSON object with ``"type": "autopack.usage"`` (the figures of one
    call, named as in ``Attempt.record_usage``), ``autopack.progress`` (``note``),
    ``autopack.completed`` (``summary``, ``outputs``), ``autopack.failed`` (``code``, ``message``,
    ``retry_after_s``, ``retryable``, ``failure_class``) or ``autopack.needs_person``
    (``question``, ``outputs``, ``summary``). Every other line is ordinary output.

    Args:
        lease_token: That of the attempt; readers that make call ids put it into them.

    Attributes:
        calls: Figures that are not recorded yet; whoever records them takes them out.
        note: The last step that was told.
        problems: Lines that claim to be Autopack's, and what is wrong with the first of them.
        n_problems: How many such lines there were.
        is_usage_lost: Whether one of them was, or may have been, about usage.
        outcome: How the work ended, if the program said so.
    """

    def __init__(self, lease_token: str) -> None:
        self.lease_token = lease_token
        self.calls: list[dict[str, Any]] = []
        self.note: str | None = None
        self.problems: list[str] = []
        self.n_problems = 0
        self.is_usage_lost = False
        self.outcome: Outcome | None = None

    def line(self, text: str) -> None:
        """Take the next line of standard output."""
        if not is_own(text):
            return
        told = json_object(text)
        if told is None:
            self.problem(f"no JSON object: {start_of(text, _SHOWN_CHARS)!r}")
        else:
            self._own(told)

    def usage_line(self, text: str) -> None:
        """Take a line of the usage file or descriptor, where every line is a call."""
        if not text.strip():
            return
        told = json_object(text)
        if told is None:
            self.problem(f"no JSON object: {start_of(text, _SHOWN_CHARS)!r}")
        else:
            self._own({"type": f"{_PREFIX}usage", **told})

    def finish(self, whole: str | None) -> None:
        """Take the end of the output; *whole* is all of it, or None if it was cut."""

    def problem(self, what: str, *, is_usage: bool = True) -> None:
        """Take note of a line that could not be read; it counts as lost usage unless it is none."""
        self.n_problems += 1
        self.is_usage_lost = self.is_usage_lost or is_usage
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(what)

    def _own(self, told: dict[str, Any]) -> None:
        kind = str(told.pop("type")).removeprefix(_PREFIX)
        try:
            match kind:
                case "usage":
                    self.calls.append(told)
                case "progress":
                    self.note = str(told["note"])
                case "completed":
                    self.outcome = Completed(**told)
                case "failed":
                    self.outcome = Failed(**told)
                case "needs_person":
                    self.outcome = NeedsPerson(**told)
                case _:
                    self.problem(f"no line of type {_PREFIX}{kind} is known")
        except Exception as fault:
            what = f"{_PREFIX}{kind}: {type(fault).__name__}: {fault}"
            self.problem(what, is_usage=False)
            if kind in _ENDINGS:  # it may have said that it failed: nobody takes that for done
                self.outcome = bad_outcome(f"how the program says it ended cannot be read: {what}")


class Preset(Protocol):
    """A known program: how it is called, and how its output is read."""

    command: tuple[Any, ...]
    stdin: str | None

    def reader(self, lease_token: str) -> ProgramReader:
        """Return a fresh reader for one attempt."""


def is_own(text: str) -> bool:
    """Tell whether a line is meant for Autopack, well formed or not."""
    if "autopack." not in text:
        return False
    told = json_object(text)
    if told is None:
        return _CLAIM.match(text) is not None
    return str(told.get("type", "")).startswith(_PREFIX)


def json_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that a line holds, or None."""
    stripped = text.removeprefix("\ufeff").strip()  # some programs begin with that mark
    if not stripped.startswith("{"):
        return None
    try:
        found = json.loads(stripped)
    except (ValueError, RecursionError):  # nested too deeply to be read
        return None
    return found if isinstance(found, dict) else None


def whole(figures: Mapping[str, Any], name: str) -> int | None:
    """Return a count of tokens; None if it is missing, or no whole number from 0 up."""
    value = figures.get(name)
    return value if type(value) is int and value >= 0 else None


def number(figures: Mapping[str, Any], name: str) -> float | None:
    """Return a figure from 0 up, or None."""
    value = figures.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if 0 <= found < math.inf else None


def amount(figures: Mapping[str, Any], name: str) -> Usd | None:
    """Return a figure in USD, exactly, or None."""
    value = figures.get(name)
    try:
        return Usd.of(value) if isinstance(value, int | float) else None
    except InvalidInputError:
        return None


def added(*figures: int | None) -> int | None:
    """Return the sum of the known figures; None if none is known."""
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None
