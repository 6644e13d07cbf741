"""What a suite says of a broken promise: where it broke, and what was shown, in a few lines."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import attrs
import hypothesis

_ROOM: Final = 400
"""How long what was shown may be, in characters."""
_OTHERS: Final = (str(Path(hypothesis.__file__).parent), "contextlib.py")


def shortened(fault: Exception, shown: Mapping[str, Any], own: str) -> Exception:
    """
    Return an error with a traceback of the test and the plugin alone, and what the test was shown.

    Args:
        shown: What was drawn for the test, by name.
        own: The file between Hypothesis and the test, of which nobody needs to know.
    """
    if isinstance(fault, ExceptionGroup) and len(fault.exceptions) == 1:
        fault = fault.exceptions[0]  # Hypothesis saw it once, and not again
    drawn = [note for note in getattr(fault, "__notes__", ()) if note.startswith("Draw ")]
    told = [f"{name} = {brief(value)}" for name, value in shown.items() if name != "data"]
    fault.__notes__ = [f"shown: {_cut(one)}" for one in (*told, *drawn)]
    return fault.with_traceback(_without(fault.__traceback__, (*_OTHERS, own)))


def brief(value: Any) -> str:
    """Return a value with those of its fields that are not as they are by default."""
    if attrs.has(type(value)):
        told = (f"{name}={brief(one)}" for name, one in _unusual(value))
        return f"{type(value).__name__}({', '.join(told)})"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{brief(k)}: {brief(v)}' for k, v in value.items())}}}"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        inner = ", ".join(brief(one) for one in value)
        one = "," if len(value) == 1 else ""
        return f"({inner}{one})" if isinstance(value, tuple) else f"[{inner}]"
    return repr(value)


def changes(before: Any, after: Any) -> dict[str, str]:
    """Return what the fields of a value were and became, where they are no longer equal."""
    return {
        field.name: _cut(f"{brief(was)} became {brief(now)}")
        for field in attrs.fields(type(before))
        if (was := getattr(before, field.name)) != (now := getattr(after, field.name))
    }


def _unusual(value: Any) -> Iterator[tuple[str, Any]]:
    for field in attrs.fields(type(value)):
        one, default = getattr(value, field.name), field.default
        if isinstance(default, attrs.Factory) and not default.takes_self:  # type: ignore[arg-type]
            default = default.factory()
        if one != default:
            yield field.name, one


def _cut(text: str) -> str:
    return text if len(text) <= _ROOM else f"{text[:_ROOM]}..."


def _without(trace: TracebackType | None, files: Sequence[str]) -> TracebackType | None:
    """Return a traceback without the frames of files that are named by how they begin or end."""
    if trace is None:
        return None
    rest, name = _without(trace.tb_next, files), trace.tb_frame.f_code.co_filename
    if any(name.startswith(file) or name.endswith(file) for file in files):
        return rest
    return TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
