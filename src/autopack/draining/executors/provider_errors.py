"""A provider's own error, as clients repeat it: JSON in a sentence, or an HTTP status."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from autopack.draining.executors.json_objects import json_object

_SEARCHED_CHARS: Final = 16_000
_SAID_CHARS: Final = 2_000
_STATUS: Final = re.compile(
    r"(?:unexpected|last|with) status:? (\d{3})\b|\bstatus: (\d{3})\b|\[API Error: (\d{3}) "
    r"|\bError code: (\d{3})\b"
)
_ERRORS: Final = (100, 599)
_MOMENTS_BEFORE: Final = 1e11


def facts_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a provider's JSON: ``{"error": {...}}``, with a status or without."""
    detail = told.get("error")
    detail = detail if isinstance(detail, dict) else {}
    code = detail.get("code")
    statuses = (told.get("status"), told.get("statusCode"), code)
    resets_at = detail.get("resets_at")
    kinds = (code, detail.get("type"), detail.get("status"))
    facts = {
        "http_status": next((one for one in statuses if _is_status(one)), None),
        "error": next((kind for kind in map(word, kinds) if kind is not None), None),
        "error_type": word(detail.get("type")),
        "said": word(detail.get("message")),
        "resets_at": resets_at if type(resets_at) is int else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def facts_in(text: str) -> dict[str, Any]:
    """Return the facts that a client's sentence holds: of JSON in it, else a status it names."""
    text = text[:_SEARCHED_CHARS]
    found = _STATUS.search(text)
    status = None if found is None else int(next(filter(None, found.groups())))
    known = {} if status is None else {"http_status": status}
    told = _json_in(text)
    if told is None:
        return {**known, "said": text[:_SAID_CHARS]} if text.strip() else known
    return {**known, **facts_of(told)}


def last_facts_in(text: str) -> dict[str, Any]:
    """Return the facts of the last error that a client tells people of; empty if it tells none."""
    text = text[-_SEARCHED_CHARS:]
    facts: dict[str, Any] = {}
    for found in _STATUS.finditer(text):
        facts = {"http_status": int(next(filter(None, found.groups())))}
    start = max(text.rfind('{"error"'), text.rfind('"error": {'))
    if start < 0:
        return facts
    told = _json_in(text[text.rfind("{", 0, start + 1) :])
    return {**facts, **({} if told is None else _unfolded(told))}


def window_report(client: str, window: str, used: Any, resets_at: Any) -> dict[str, Any]:
    """
    Return what a client tells of a plan's window, as ``Attempt.report_limit`` takes it.

    Args:
        used: The share that is used, if it is a number.
        resets_at: When it starts anew, in Unix seconds, if it is a number.
    """
    share = used if _is_number(used) and used >= 0 else None
    is_moment = _is_number(resets_at) and 0 < resets_at < _MOMENTS_BEFORE
    return {
        "window": window,
        "utilization": share,
        "resets_at": datetime.fromtimestamp(resets_at, UTC) if is_moment else None,
        "source": client,
    }


def word(value: Any) -> str | None:
    """Return a text; None if it is none, or says nothing."""
    return value if isinstance(value, str) and value.strip() else None


def _unfolded(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of an error whose message may be the provider's JSON."""
    facts = facts_of(told)
    inner = json_object(facts.get("said", ""))
    return facts if inner is None else {**facts, **facts_of(inner)}


def _json_in(text: str) -> dict[str, Any] | None:
    """Return the first JSON object of a text, wherever it begins and however the text goes on."""
    start = text.find("{")
    if start < 0:
        return None
    for end in (len(text), text.rfind("}") + 1, text.find("\n", start)):
        if end > start and (told := json_object(text[start:end])) is not None:
            return told
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_status(value: Any) -> bool:
    return type(value) is int and _ERRORS[0] <= value <= _ERRORS[1]
