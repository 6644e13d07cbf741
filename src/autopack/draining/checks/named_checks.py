"""The checks of a phase, and what each of their names stands for."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autopack.draining.executors import placeholders
from autopack.draining.executors.shell_texts import check_shell_texts
from autopack.draining.settings.named_parts import check_takes, made_of
from autopack.errors import AutopackError, InvalidInputError
from autopack.errors.nearest import did_you_mean
from autopack.plugins.plugin_options import made_with
from autopack.plugins.registry import Registry
from autopack.ports.check_specs import Checks, CheckSpec, checks_of
from autopack.ports.checks import CheckCall
from autopack.ports.work import PhaseView

OUTPUTS = "outputs"
"""The placeholder of the folder that holds an attempt's outputs as files."""


def checks_for(
    phase: PhaseView,
    of_run: tuple[Mapping[str, Any], ...] | None,
    of_drain: Checks | None,
) -> Checks:
    """Return what a phase's work is judged by: its own checks, else its run's, else the drain's."""
    for tables in (phase.checks, of_run):
        if tables is not None:
            return checks_of(list(tables)) or ()
    return of_drain or ()


def call_of(registry: Registry, spec: CheckSpec) -> CheckCall:
    """
    Return what is called for a check that runs no program.

    Raises:
        AutopackError: There is none of that name, it refuses its options, or it can be no check.
    """
    thing = spec.thing
    if thing is None:
        thing = registry.resolve("check", spec.use)
    if spec.options:
        thing = made_with(thing, "check", spec.use or spec.name, spec.options)
    thing = made_of(thing, "check")
    call: CheckCall = getattr(thing, "check", thing)
    if not callable(call):
        raise InvalidInputError(
            f"{thing!r} is no check: it has no method `check` and cannot be called.",
            name="check",
            value=thing,
        )
    check_takes(call, "check", "work")
    return call


def check_ready(registry: Registry, checks: Checks, folder: Path | None = None) -> None:
    """
    Return if every check could be begun, as far as that is known before there is any work.

    Args:
        folder: Where they are to run; the current folder, if nobody says.

    Raises:
        AutopackError: A name, an option, a placeholder or a program is wrong.
    """
    for spec in checks:
        if spec.run:
            check_placeholders(spec)
            _check_program(registry, spec, folder)
        else:
            call_of(registry, spec)


def check_placeholders(spec: CheckSpec) -> None:
    """Return if every placeholder of a check's program is known, and none is read by a shell."""
    texts = {f"argument {n} of check {spec.name!r}": text for n, text in enumerate(spec.run, 1)}
    placeholders.check(texts, more=(OUTPUTS,))
    check_shell_texts(spec.run, ours=(OUTPUTS,), of=f"check {spec.name!r}")


def why_unready(registry: Registry, checks: Checks, folder: Path | None) -> str | None:
    """Return why work that is not begun yet could not be checked; None if it can be."""
    try:
        check_ready(registry, checks, folder)
    except AutopackError as fault:
        return fault.typed
    return None


def missing_text(registry: Registry, spec: CheckSpec, program: str) -> str:
    """Return that there is no such program, and what may have been meant."""
    meant = did_you_mean(program, registry.names("check"))
    if program in registry.names("check"):
        meant = " There is a check of that name: write it as a text of its own, not in a list."
    return (
        f"There is no program {program!r} for check {spec.name!r}: it is not on the PATH, and no "
        f"file of that name can be executed.{meant}"
    )


def _check_program(registry: Registry, spec: CheckSpec, folder: Path | None) -> None:
    """Refuse a program that is nowhere; one of the folder may be part of the work to come."""
    program = spec.run[0]
    if "{" in program or os.sep in program or shutil.which(program) is not None:
        return
    raise InvalidInputError(missing_text(registry, spec, program), name="check", value=program)
