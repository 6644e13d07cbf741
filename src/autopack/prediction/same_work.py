"""What names work that was done before: the goal's text, what it is given, the phase itself."""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

_LETTERS: Final = 16


def tasks_of(
    phase: str | None, *, goal: str | None, inputs: Mapping[str, str] | None
) -> tuple[str, ...]:
    """
    Return names under which the same work is found again, the most general first.

    Two phases have one in common if their goals are word for word the same, if they are given the
    same inputs, or if they are attempts at one phase. Texts are known by digests: none is copied.

    Args:
        phase: ``RUN/PHASE``, where it has one.
    """
    found = []
    if goal and goal.strip():
        found.append(f"goal:{_digest(' '.join(goal.split()))}")
    if inputs:
        found.append(f"inputs:{_digest(json.dumps(sorted(inputs.items())))}")
    if phase is not None:
        found.append(f"phase:{_digest(phase)}")
    return tuple(found)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:_LETTERS]
