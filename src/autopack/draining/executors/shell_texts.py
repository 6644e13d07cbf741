"""Texts that a shell reads: a placeholder in one would make a program of a phase's words."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath
from typing import Final

from autopack.draining.executors.placeholders import Argument, names_in
from autopack.errors import InvalidInputError

_SHELLS: Final = frozenset(
    {"sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "csh", "tcsh", "yash", "rbash"}
)
_READS_TEXT: Final = re.compile(r"-[A-Za-z]*c[A-Za-z]*|--command(?:=.*)?", re.DOTALL)
_VARIABLES: Final[Mapping[str, str]] = {
    "goal": "AUTOPACK_GOAL",
    "model": "AUTOPACK_MODEL",
    "run_id": "AUTOPACK_RUN_ID",
    "phase_id": "AUTOPACK_PHASE_ID",
    "attempt": "AUTOPACK_ATTEMPT",
    "budget_tokens": "AUTOPACK_BUDGET_TOKENS",
    "feedback": "AUTOPACK_FEEDBACK",
    "workspace": "AUTOPACK_WORKSPACE",
}
"""The variables that a program finds anyway, by the placeholder that they stand for."""


def check_shell_texts(
    command: Sequence[Argument], *, ours: Collection[str] = (), of: str = "the command"
) -> None:
    """
    Return if no text that a shell reads has a placeholder.

    Args:
        ours: Placeholders that stand for nothing that a phase says.
        of: What the arguments are of.

    Raises:
        InvalidInputError: One has; says what to write in its place.
    """
    flat = [text for one in command for text in ([one] if isinstance(one, str) else one)]
    for n, text in enumerate(flat):
        if PurePath(text).name not in _SHELLS:
            continue
        read = _text_read(flat, n + 1)
        names = [] if read is None else [one for one in names_in(flat[read]) if one not in ours]
        if read is not None and names:
            raise _refusal(flat[n], names, place=f"argument {read + 1} of {of}")


def _text_read(flat: Sequence[str], first: int) -> int | None:
    """Return which argument a shell takes for its program, if its options say that it does."""
    for n in range(first, len(flat)):
        text = flat[n]
        if not text.startswith(("-", "+")):
            return None  # a file's name: the shell reads that
        if _READS_TEXT.fullmatch(text):
            if "=" in text:
                return n
            rest = (m for m in range(n + 1, len(flat)) if not flat[m].startswith(("-", "+")))
            return next(rest, None)
    return None


def _refusal(shell: str, names: Sequence[str], *, place: str) -> InvalidInputError:
    name = names[0]
    variable = _VARIABLES.get(name)
    as_variable = "" if variable is None else f' as "${variable}", or'
    return InvalidInputError(
        f"{{{name}}} stands in the text that {shell} reads ({place}): a "
        f"shell would take a phase's words for its own. Write it{as_variable} as an argument of "
        "its own that the shell does not read:",
        do=f"""["{shell}", "-c", "my-agent \\"$1\\"", "{shell}", "{{{name}}}"].""",
        typed=f"""{shell} -c 'my-agent "$1"' {shell} {{{name}}}.""",
        name="command",
        value=name,
    )
