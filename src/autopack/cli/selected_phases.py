"""Many phases at once: those of a run that failed, failed in one way, or are called alike."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import click

from autopack.cli.output import say

if TYPE_CHECKING:
    from autopack.log.log import Log
    from autopack.ports.work import PhaseView

_SHOWN_MOST: Final = 5
_FAILED: Final = ("FAILED", "TIMED_OUT")
POSSIBLE: Final = {
    "requeue": (*_FAILED, "SKIPPED", "CANCELLED"),
    "skip": ("QUEUED", *_FAILED),
    "cancel": ("QUEUED", "CLAIMED", "RUNNING", "SUBMITTED", "GATED", *_FAILED),
}
"""In which states a phase is among the selected ones, by what is to become of it."""


def selecting(command: Any) -> Any:
    """Add the options by which a command takes many phases of a run."""
    for option in reversed(
        (
            click.option("--failed", is_flag=True, help="With RUN: all that failed or timed out."),
            click.option("--class", "failure_class", help="With RUN: those that failed like this."),
            click.option("--fingerprint", help="With RUN: those whose failure is this one."),
            click.option("--match", metavar="GLOB", help="With RUN: those whose ids are like it."),
        )
    ):
        command = option(command)
    return command


def selected(
    log: "Log",
    run_id: str,
    verb: str,
    *,
    failed: bool = False,
    failure_class: str | None = None,
    fingerprint: str | None = None,
    match: str | None = None,
) -> list["PhaseView"]:
    """Return the phases of a run that are meant, and of which *verb* can be said."""
    import autopack as api

    states = POSSIBLE[verb]
    if failed or failure_class or fingerprint:
        states = tuple(state for state in states if state in _FAILED)
    return [
        phase
        for phase in api.list_phases(log, run_id)
        if phase.status.value in states
        and failure_class in (None, phase.failure_class)
        and fingerprint in (None, phase.fingerprint)
        and (match is None or fnmatchcase(phase.phase_id, match))
    ]


def each(phases: Iterable["PhaseView"], decide: Callable[[Any], Any], done: str) -> int:
    """Decide about each phase, and say of how many; returns how many could not be."""
    from autopack.errors import CommandRefusedError

    changed, refused = list[str](), list[str]()
    for phase in phases:
        try:
            decide(phase.ref)
            changed.append(phase.phase_id)
        except CommandRefusedError as fault:
            refused.append(str(fault))
    shown = ", ".join(changed[:_SHOWN_MOST])
    more = f", and {len(changed) - _SHOWN_MOST} more" if len(changed) > _SHOWN_MOST else ""
    n = len(changed)
    say(f"{n} phase{'' if n == 1 else 's'} {done}" + (f": {shown}{more}" if changed else ""))
    for line in refused[:_SHOWN_MOST]:
        say(line, err=True)
    return len(refused)
