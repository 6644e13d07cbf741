"""What a check is shown, and what it may answer."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import attrs

from autopack.errors import InvalidInputError
from autopack.errors.base import told
from autopack.events.verdicts import Verdict
from autopack.ports.work import PhaseView


@attrs.frozen(kw_only=True)
class CheckResult:
    """
    What a check found.

    Args:
        verdict: ``passed``, ``failed`` or ``could_not_run``.
        says: What it found, for people and for the next attempt; of a long text the end is kept.
        score: How good the work is, by the check's own measure; finite.
        exit_code: That of a program, negative for a signal.
        texts: What is to be kept beside the log, by name.
    """

    verdict: Verdict
    says: str = ""
    score: float | None = None
    exit_code: int | None = None
    texts: Mapping[str, str] = attrs.Factory(dict)

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be recorded."""
        if self.verdict not in ("passed", "failed", "could_not_run"):
            raise _refusal("verdict", self.verdict, "'passed', 'failed' or 'could_not_run'")
        if not isinstance(self.says, str):
            raise _refusal("says", self.says, "a text")
        if not _is_score(self.score):
            raise _refusal("score", self.score, "a finite number, or None")
        if not all(isinstance(one, str) for pair in self.texts.items() for one in pair):
            raise _refusal("texts", self.texts, "texts by name")


@attrs.frozen(kw_only=True)
class CheckedWork:
    """
    What a check is shown of an attempt.

    Args:
        attempt: Its number.
        outputs: The texts that it gave, by name; where it gave none, what its program printed, as
            ``stdout``.
        folder: Where the check is at work: the attempt's workspace, else the current folder. At a
            recheck whose folder nobody knows, one that holds nothing but the outputs.
        workspace: That folder, where it is the attempt's own; None if it had none.
        by: ``drain``, ``attempt`` (a loop of one's own), ``recheck``, or ``sweep`` before work
            that has ended is merged on top of others' work.
    """

    phase: PhaseView
    attempt: int
    outputs: Mapping[str, str] = attrs.Factory(dict)
    summary: str | None = None
    folder: Path
    workspace: Path | None = None
    by: str = "drain"


CheckAnswer: TypeAlias = bool | str | CheckResult
"""
``True`` if the work is right; ``False``, or a text that says what is wrong, if it is not; or a
result. Anything else, and any error, means that the check could not run.
"""


class Check(Protocol):
    """
    Says whether work is right. A plain or async callable with the same argument will do.

    A class of checks is made with the options that a check is named with.
    """

    def check(self, work: CheckedWork) -> CheckAnswer | Awaitable[CheckAnswer]:
        """Return whether the work is right; see :data:`CheckAnswer`."""


CheckCall: TypeAlias = Callable[[CheckedWork], CheckAnswer | Awaitable[CheckAnswer]]
"""What is called to check work."""


def result_of(answer: Any) -> CheckResult:
    """Return what a check answered as a result; what is no answer says that it could not run."""
    match answer:
        case CheckResult():
            return answer
        case bool():
            return CheckResult(verdict="passed" if answer else "failed")
        case str() if answer.strip():
            return CheckResult(verdict="failed", says=answer)
    return CheckResult(
        verdict="could_not_run",
        says=f"it answered {told(answer)}; a check answers True, False, a text that says what is "
        "wrong, or a CheckResult",
    )


def _is_score(score: Any) -> bool:
    if score is None:
        return True
    is_number = isinstance(score, int | float) and not isinstance(score, bool)
    return is_number and abs(score) < 1e300  # which is neither infinite nor none


def _refusal(name: str, value: Any, wanted: str) -> InvalidInputError:
    return InvalidInputError(
        f"The {name} of a check's result is {told(value)}: give {wanted}.", name=name, value=value
    )
