"""What the entry point finds: one hook; the patterns are compiled when a text is stored."""

from functools import cache
from typing import Any

from autopack.plugins.hookspecs import hookimpl


@hookimpl
def autopack_redact(text: str) -> str:
    """Return the text without what looks like a key, or is one of this process's secrets."""
    redacted: str = _redactor().redacted(text)
    return redacted


@cache
def _redactor() -> Any:
    import os

    from autopack_redact.redactor import Redactor

    return Redactor.of_environment(os.environ)
