"""A webhook from environment variables; a wrong one is told, and stops nothing."""

from collections.abc import Mapping
from typing import Any

import structlog

from autopack.errors import InvalidInputError
from autopack_notify.webhook import Webhook

logger = structlog.get_logger("autopack_notify")


def webhook_of(environ: Mapping[str, str]) -> Webhook | None:
    """Return the webhook that variables describe; None, with a warning, if they cannot."""
    given: dict[str, Any] = {"url": environ["AUTOPACK_NOTIFY_URL"].strip()}
    if header := environ.get("AUTOPACK_NOTIFY_HEADER", "").strip():
        given["header"] = header
    try:
        for name, read in (("timeout_s", float), ("retries", int)):
            variable = f"AUTOPACK_NOTIFY_{name.upper()}"
            if text := environ.get(variable, "").strip():
                given[name] = _number(read, variable, text)
        return Webhook(**given)
    except InvalidInputError as fault:
        logger.warning("the webhook was not told", fault=str(fault))
        return None


def _number(read: type, variable: str, text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        raise InvalidInputError(f"{variable} is {text!r}, which is no number.") from None
