"""Who is told, from environment variables; a wrong one is told, and stops nothing."""

from collections.abc import Mapping
from typing import Any

import structlog

from autopack.errors import InvalidInputError
from autopack_notify.addresses import sender_of
from autopack_notify.sender import Sender

logger = structlog.get_logger("autopack_notify")

_ALL = "http(s)://, ntfy://, mailto: and smtp(s)://"


def settings_of(environ: Mapping[str, str]) -> dict[str, Any]:
    """
    Return header, times and counts that variables give.

    Raises:
        InvalidInputError: One is no number.
    """
    given: dict[str, Any] = {}
    if header := environ.get("AUTOPACK_NOTIFY_HEADER", "").strip():
        given["header"] = header
    for name, read in (("timeout_s", float), ("retries", int)):
        variable = f"AUTOPACK_NOTIFY_{name.upper()}"
        if text := environ.get(variable, "").strip():
            given[name] = _number(read, variable, text)
    return given


def told_by_environment(environ: Mapping[str, str]) -> Sender | None:
    """Return who variables name; None, with a warning, if they name nobody."""
    address = environ["AUTOPACK_NOTIFY_URL"].strip()
    try:
        found = sender_of(address, environ, **settings_of(environ))
        if found is None:
            raise InvalidInputError(f"AUTOPACK_NOTIFY_URL cannot be used; give one of {_ALL}.")
        return found
    except InvalidInputError as fault:
        logger.warning("the webhook was not told", fault=str(fault))
        return None


def _number(read: type, variable: str, text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        raise InvalidInputError(f"{variable} is {text!r}, which is no number.") from None
