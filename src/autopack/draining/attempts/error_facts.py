"""What an exception tells as facts: status, words, how long to wait; nothing is imported for it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from autopack.draining.attempts.error_words import BY_EXCEPTION, by_word
from autopack.draining.attempts.told_waits import header_wait_s, retry_after_s

_CAUSES_MOST: Final = 8
_NESTED_MOST: Final = 4
_SAID_CHARS: Final = 2_000
_STATUS_NAMES: Final = ("status_code", "status", "http_status", "code")
_WORD_NAMES: Final = ("code", "type", "error", "error_code", "status", "reason")


def facts_of(fault: BaseException, *, now_s: float) -> dict[str, Any]:
    """
    Return what an exception, or the first of its causes that tells anything, tells as facts.

    Args:
        now_s: The time of the failure, in Unix seconds, for moments in headers.

    Returns:
        ``exception`` (the name of the class that speaks), ``http_status``, ``error``, ``said``,
        and ``retry_after_s``, as far as they are there.
    """
    for one in _causes(fault):
        found = _facts(one, now_s)
        if found:
            return found
    return {}


def _causes(fault: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = fault
    for _ in range(_CAUSES_MOST):
        if one is None:
            return
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _facts(fault: BaseException, now_s: float) -> dict[str, Any]:
    response = _got(fault, "response")
    body = _body(fault, response)
    status = _status(fault, response)
    error = _error_word(fault, body)
    name = next((cls.__name__ for cls in type(fault).__mro__ if cls.__name__ in BY_EXCEPTION), None)
    if status is None and error is None and name is None:
        return {}
    told: dict[str, Any] = {"exception": name or type(fault).__name__}
    told |= {} if status is None else {"http_status": status}
    told |= {} if error is None else {"error": error}
    said = _said(fault, body)
    told |= {"said": said} if said else {}
    wait_s = _wait_s(fault, response, said, now_s)
    return told | ({} if wait_s is None else {"retry_after_s": wait_s})


def _status(fault: BaseException, response: Any) -> int | None:
    for holder in (fault, response):
        for name in _STATUS_NAMES:
            found = _got(holder, name)
            found = found() if callable(found) and name == "code" and holder is response else found
            if isinstance(found, int) and not isinstance(found, bool) and 400 <= found < 600:
                return int(found)
    told = response.get("ResponseMetadata") if isinstance(response, Mapping) else None
    found = told.get("HTTPStatusCode") if isinstance(told, Mapping) else None
    return found if isinstance(found, int) and 400 <= found < 600 else None


def _body(fault: BaseException, response: Any) -> Any:
    """Return an answer's body as the client has read it; botocore's response is that itself."""
    if isinstance(response, Mapping):
        return response
    for name in ("body", "details", "response_json"):
        found = _got(fault, name)
        if isinstance(found, Mapping | list):
            return found
    return None


def _error_word(fault: BaseException, body: Any) -> str | None:
    words = [*_words_in(body, 0), *(_got(fault, name) for name in _WORD_NAMES)]
    return next((word for word in words if isinstance(word, str) and by_word(word)), None)


def _words_in(body: Any, depth: int) -> Iterator[Any]:
    if depth > _NESTED_MOST or not isinstance(body, Mapping):
        return
    for name in ("error", "Error"):
        inner = body.get(name)
        if isinstance(inner, Mapping):
            yield from _words_in(inner, depth + 1)
        elif inner is not None:
            yield inner
    for name in ("code", "Code", "status", "type", "reason"):
        yield body.get(name)


def _said(fault: BaseException, body: Any) -> str:
    """Return the provider's own sentence."""
    inner = body
    for _ in range(_NESTED_MOST):
        deeper = inner.get("error", inner.get("Error")) if isinstance(inner, Mapping) else None
        if not isinstance(deeper, Mapping):
            break
        inner = deeper
    found = None
    if isinstance(inner, Mapping):
        found = inner.get("message", inner.get("Message"))
    told = found if isinstance(found, str) else _got(fault, "message")
    if not isinstance(told, str):
        try:
            told = str(fault)
        except Exception:  # somebody else's exception may not even be told
            told = ""
    return told[:_SAID_CHARS]


def _wait_s(fault: BaseException, response: Any, said: str, now_s: float) -> float | None:
    own = _got(fault, "retry_after")
    if isinstance(own, int | float) and not isinstance(own, bool) and own >= 0:
        return float(own)
    if isinstance(response, Mapping):
        told = response.get("ResponseMetadata")
        headers = told.get("HTTPHeaders") if isinstance(told, Mapping) else None
    else:
        headers = _got(response, "headers") or _got(fault, "headers")
    found = None
    if headers is not None and hasattr(headers, "items"):
        try:
            found = header_wait_s(dict(headers.items()), now_s=now_s)
        except Exception:
            found = None
    return found if found is not None else retry_after_s(said, now_s=now_s)


def _got(holder: Any, name: str) -> Any:
    """Return an attribute, or None: what somebody else's property raises is no fact."""
    try:
        return getattr(holder, name, None)
    except Exception:
        return None
