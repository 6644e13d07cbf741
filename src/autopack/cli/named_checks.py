"""Which checks a command line means: names, files, JSON, or programs with their arguments."""

import json
import shlex
from collections.abc import Callable, Sequence
from typing import Any

import click


def checks_of(
    registry: Any, texts: Sequence[str], filled: Callable[[str], str] = str
) -> list[Any] | None:
    """
    Return the checks that are meant, each of which could be begun; None without any.

    Args:
        filled: What is made of each argument of a program.
    """
    from autopack.draining.checks.named_checks import check_ready
    from autopack.ports.check_specs import checks_of as named

    if not texts:
        return None
    found = [_meant(registry, text, filled) for text in texts]
    check_ready(registry, named(found) or ())
    return found


def _meant(registry: Any, text: str, filled: Callable[[str], str]) -> Any:
    from autopack.plugins.python_files import place_in

    if text in registry.names("check"):
        return text
    if place := place_in(text):
        path, name = place
        return f"{path.absolute()}:{name}"
    if text.lstrip().startswith(("[", "{")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):  # "[" is a program, too
            pass
    try:
        words = shlex.split(text)
    except ValueError as fault:
        raise click.UsageError(f"--check {text!r}: {fault}.") from None
    if not words:
        raise click.UsageError("--check is empty: give a registered name, or a program.")
    return [filled(word) for word in words]
