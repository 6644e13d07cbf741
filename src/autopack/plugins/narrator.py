"""What the library says of itself while it works: structlog's loggers, which stop nobody's work."""

import contextlib
from typing import Any

import attrs


@attrs.frozen
class Narrator:
    """
    Logs through structlog under one name; what cannot be said is left unsaid.

    Where a log goes is its reader's affair: a pipe that nobody reads, a terminal that was closed
    or a full disk is no reason to leave work undone. structlog is imported at the first word, so
    that whoever says nothing does not load it.
    """

    name: str

    def info(self, event: str, **words: Any) -> None:
        """Say what is worth knowing."""
        self._say("info", event, words)

    def warning(self, event: str, **words: Any) -> None:
        """Say what somebody should look at."""
        self._say("warning", event, words)

    def error(self, event: str, **words: Any) -> None:
        """Say what went wrong; ``exc_info`` adds the traceback of an exception."""
        self._say("error", event, words)

    def _say(self, level: str, event: str, words: dict[str, Any]) -> None:
        with contextlib.suppress(Exception):
            import structlog

            getattr(structlog.get_logger(self.name), level)(event, **words)
