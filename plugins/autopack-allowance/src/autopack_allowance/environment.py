"""Settings that are not given are read from the environment, when a drain begins."""

import os
from collections.abc import Callable
from typing import Final, TypeVar

from autopack.errors import InvalidInputError

T = TypeVar("T")

TOKENS: Final = "AUTOPACK_ALLOWANCE_TOKENS"
QUIET: Final = "AUTOPACK_ALLOWANCE_QUIET"
ZONE: Final = "AUTOPACK_ALLOWANCE_ZONE"


def variable(name: str, read: Callable[[str], T]) -> T | None:
    """Return what a variable says, read by *read*; None if it is not set or blank."""
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    try:
        return read(text)
    except ValueError:
        raise InvalidInputError(f"{name} is {text!r}, which cannot be read.") from None
    except InvalidInputError as fault:
        raise InvalidInputError(f"{name}: {fault}") from fault
