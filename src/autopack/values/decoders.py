"""Decoders of msgspec, whatever thread asks for one first."""

import threading
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec

Stored: TypeAlias = Callable[[type, Any], Any]
"""Returns a value that JSON has no type for, from what stands for it."""

_LOOKING: Final = threading.Lock()


def decoder_of(kind: Any, *, stored: Stored | None = None) -> msgspec.json.Decoder[Any]:
    """
    Return a decoder of a type.

    msgspec looks at a type when it first meets it, and runs Python on the way. A thread that
    meets the type meanwhile is given what is half made, and the process crashes. So a type is
    looked at here, under a lock, before it is given to ``msgspec.convert`` or used to decode.
    """
    with _LOOKING:
        return msgspec.json.Decoder(kind, dec_hook=stored)
