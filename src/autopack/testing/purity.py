"""Finds what a pure function must not do: read a clock, draw a random number, open a file."""

import contextlib
import gc
import os
import random
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

_CLOCKS: Final = frozenset({"now", "utcnow", "today"})
_SYSTEM: Final = frozenset({"open", "open_code", "urandom", "getrandom", "getpid", "system"})
_SHARED: Final = getattr(random, "_inst", None)


@contextlib.contextmanager
def only_reading_arguments() -> Iterator[None]:
    """
    Assert that the block reads no clock, draws no random number and opens no file.

    Calls of the functions that do so are seen as they are made, however deep: ``time``,
    ``datetime.now``, the shared generator of ``random``, ``os.urandom`` and ``open``. A
    ``random.Random`` of one's own is allowed: seeded from the arguments it is a pure function.
    """
    __tracebackhide__ = True
    found: list[str] = []

    def look(frame: Any, event: str, called: Any) -> None:
        if event == "c_call" and (name := _forbidden(called)):
            found.append(f"{name} ({frame.f_code.co_filename}:{frame.f_lineno})")

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()  # what is collected meanwhile may have finalizers, and those may read a clock
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
    called = ", ".join(dict.fromkeys(found))
    assert not found, f"it calls {called}; what it needs to know comes in as an argument"


def _forbidden(called: Any) -> str:
    name, owner = getattr(called, "__name__", ""), getattr(called, "__self__", None)
    if owner is time and name not in ("strftime", "struct_time", "gmtime", "mktime"):
        return f"time.{name}()"
    if isinstance(owner, type) and issubclass(owner, date | datetime) and name in _CLOCKS:
        return f"{owner.__name__}.{name}()"
    if owner is _SHARED or isinstance(owner, random.SystemRandom):
        return f"random.{name}()"
    is_system = getattr(owner, "__name__", "") in (os.name, "posix", "nt", "_io", "io")
    return f"{name}()" if is_system and name in _SYSTEM else ""
