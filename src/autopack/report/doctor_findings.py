"""What ``autopack doctor`` found, as values and as text."""

from collections.abc import Iterator
from typing import Any, Literal

import attrs

Verdict = Literal["ok", "warning", "fault"]


@attrs.frozen
class DoctorCheck:
    """
    One thing that was looked at.

    A ``warning`` works, but may surprise; a ``fault`` stops something from working. ``to_do`` is
    None where nothing needs to be done.
    """

    name: str
    verdict: Verdict
    found: str
    to_do: str | None = None


@attrs.frozen(kw_only=True)
class Diagnosis:
    """Everything that was looked at; target and log_id are None where no log was opened."""

    checks: tuple[DoctorCheck, ...]
    target: str | None = None
    log_id: str | None = None

    @property
    def faults(self) -> tuple[DoctorCheck, ...]:
        """The checks that found a fault."""
        return tuple(check for check in self.checks if check.verdict == "fault")

    @property
    def warnings(self) -> tuple[DoctorCheck, ...]:
        """The checks that found something that may surprise."""
        return tuple(check for check in self.checks if check.verdict == "warning")

    @property
    def is_fine(self) -> bool:
        """Tell whether there is no fault; warnings may be there."""
        return not self.faults


def diagnosis_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the diagnosis as JSON-simple values."""
    return {"is_fine": diagnosis.is_fine, **attrs.asdict(diagnosis)}


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """Return a line for each check, what to do below it, and the count at the end."""
    return "\n".join(_lines(diagnosis))


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    width = max((len(check.name) for check in diagnosis.checks), default=0)
    indent = " " * (width + 11)
    for check in diagnosis.checks:
        found = check.found.replace("\n", f"\n{indent}")
        yield f"{check.verdict:<7}  {check.name:<{width}}  {found}"
        if check.to_do is not None:
            yield f"{indent}to do: " + check.to_do.replace("\n", f"\n{indent}")
    faults, warnings = len(diagnosis.faults), len(diagnosis.warnings)
    yield f"{_count(faults, 'fault')}, {_count(warnings, 'warning')}"


def _count(n: int, noun: str) -> str:
    return f"{n or 'no'} {noun}{'' if n == 1 else 's'}"
