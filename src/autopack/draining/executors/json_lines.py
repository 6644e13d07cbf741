"""What a program says of its work in JSON lines: calls, steps, and how it ended."""

import re
from typing import Any, ClassVar, Final, Protocol

from autopack.draining.attempts.executor_results import bad_outcome
from autopack.draining.executors.json_objects import json_object
from autopack.draining.executors.session_calls import LaterCalls, Surroundings
from autopack.ports.work import Completed, Failed, NeedsPerson, Outcome
from autopack.report.failure_words import start_of

_PREFIX: Final = "autopack."
_ENDINGS: Final = frozenset({"completed", "failed", "needs_person"})
_MOST_PROBLEMS: Final = 20
_SHOWN_CHARS: Final = 120
_TYPE: Final = re.compile(r'\s*\{\s*"type"\s*:\s*"([\w.]{1,40})"')
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
        limits: What was told of a plan's windows, as ``Attempt.report_limit`` takes it; likewise.
        note: The last step that was told.
        problems: Lines that claim to be Autopack's, and what is wrong with the first of them.
        n_problems: How many such lines there were.
        is_usage_lost: Whether one of them was, or may have been, about usage.
        outcome: How the work ended, if the program said so.
        no_result: What it is if the program ends well and has not said so; None is that all is
            well.
        facts: What it told of its last trouble, for a program that ends without a word.
        denied: The uses of tools that it was denied, in words.
        session: The client's own id of the session that it has begun, once it tells it.
    """

    idle_types: ClassVar[frozenset[str]] = frozenset()
    """Types of lines that tell neither usage nor an end, whatever else they hold."""

    def __init__(self, lease_token: str) -> None:
        self.lease_token = lease_token
        self.calls: list[dict[str, Any] | LaterCalls] = []
        self.limits: list[dict[str, Any]] = []
        self.note: str | None = None
        self.problems: list[str] = []
        self.n_problems = 0
        self.is_usage_lost = False
        self.outcome: Outcome | None = None
        self.no_result: Failed | None = None
        self.facts: dict[str, Any] = {}
        self.denied: list[str] = []
        self.session: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether the program has said how its work ended, and need say no more."""
        return self.outcome is not None

    def is_idle_line(self, head: str) -> bool:
        """Tell of a very long line, by its beginning, whether nothing of it is needed."""
        found = _TYPE.match(head)
        return found is not None and found[1] in self.idle_types

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

    def aside(self, text: str) -> None:
        """Take what the program printed for people, on standard error, as far as it is kept."""

    def ended(self, returncode: int | None) -> None:
        """Take how the program ended, before its last calls are recorded; None: we ended it."""

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

    def reader(self, lease_token: str, place: Surroundings) -> ProgramReader:
        """Return a fresh reader for one attempt; *place* is where its program runs."""


def no_result(program: str, wanted: str) -> Failed:
    """Return the failure of a program that ended well and never said how its work ended."""
    message = (
        f"{program} ended without {wanted}: it was interrupted, or its output is not the one "
        "that the preset reads"
    )
    return Failed("no_result", message, retryable=True, failure_class="execution")


PRINTED: Final = "stdout"
"""What a program printed, among the artifacts of its attempt."""


def without_own(text: str) -> str:
    """Return what a program printed without the lines that are meant for Autopack."""
    return "".join(line for line in text.splitlines(keepends=True) if not is_own(line))


def is_own(text: str) -> bool:
    """Tell whether a line is meant for Autopack, well formed or not."""
    if "autopack." not in text:
        return False
    told = json_object(text)
    if told is None:
        return _CLAIM.match(text) is not None
    return str(told.get("type", "")).startswith(_PREFIX)
