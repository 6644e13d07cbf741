"""Importer ``litellm``: what litellm's callbacks log of calls, and exports of its spend table."""

import csv
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Final

from autopack.draining.attempts.read_figures import amount, number
from autopack_histories.calls import Call, inner, word
from autopack_histories.documents import json_cell
from autopack_histories.importer import FileImporter
from autopack_histories.moments import moment
from autopack_histories.notes import Notes
from autopack_histories.records import records_of
from autopack_histories.sessions import About, Entry, Sessions
from autopack_histories.usages import chat_figures, has_details

_OBJECT: Final = "standard_logging_object"
_LOGGED: Final = {"call_type", "prompt_tokens", "completion_tokens"}
_SNIFFED: Final = 32


class LiteLlm(FileImporter):
    """
    Reads JSON lines, a JSON array or CSV: a call a record, its cost as litellm reckoned it.

    A streamed call whose usage has no details was estimated, and is ``inferred``. Calls that
    failed, and answers from a cache, used nothing.
    """

    name: ClassVar[str] = "litellm"

    def is_named(self, name: str) -> bool:
        """Tell whether a file may hold records."""
        return name.removesuffix(".gz").endswith((".jsonl", ".ndjson", ".json", ".csv"))

    def is_mine(self, path: Path) -> bool:
        """Tell whether one of the first records is of litellm."""
        try:
            first = list(islice(records_of(path, Notes()), _SNIFFED))
        except csv.Error:
            return False
        return any(_is_call(_payload(one)) or _OBJECT in one for one in first)

    def entries(self, path: Path, notes: Notes) -> Iterator[Entry]:
        """Yield the events of a file."""
        sessions = Sessions(self.name, notes)
        for record in records_of(path, notes):
            payload = _payload(record)
            if payload is None:
                notes.saw("records without a call: parts of a stream")
            elif not _is_call(payload):
                notes.set_aside("records that are no calls")
            else:
                _take(payload, sessions, notes)
                yield from sessions.take()
        sessions.end()
        yield from sessions.take()


def _payload(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = record.get(_OBJECT, record)
    if isinstance(found, str):
        found = json_cell(found)
    return found if isinstance(found, Mapping) else None


def _is_call(payload: Mapping[str, Any] | None) -> bool:
    return payload is not None and payload.keys() >= _LOGGED


def _take(payload: Mapping[str, Any], sessions: Sessions, notes: Notes) -> None:
    if str(payload.get("status")).lower() == "failure":
        notes.saw("calls that failed")
        return
    if str(payload.get("cache_hit")).lower() == "true":
        notes.saw("answers from a cache")
        return
    key = word(payload.get("id")) or word(payload.get("request_id"))
    usage = _usage(payload)
    figures = chat_figures(usage)
    if key is None or figures is None:
        why = "calls that nothing names" if key is None else "calls with counts that are none"
        notes.set_aside(why)
        return
    is_guess = _is_streamed(payload) and not has_details(usage)
    began, ended = moment(payload.get("startTime")), moment(payload.get("endTime"))
    cost = amount(payload, "response_cost") or amount(payload, "spend")
    call = Call(
        key=key,
        provider=word(payload.get("custom_llm_provider")) or "litellm",
        figures={**figures, "cost_usd": cost or None},
        at=ended or began,
        model=word(payload.get("model")),
        stop_reason=_finish(payload),
        max_tokens=_most(payload),
        duration_s=_duration(payload),
        cost_source="computed",
        split="inferred" if is_guess else "measured",
    )
    if is_guess:
        notes.saw("streamed calls whose figures were estimated")
    session = word(payload.get("session_id"))
    if session is None:
        sessions.end()
    else:
        sessions.session(session, About(at=began))
    sessions.call(call)


def _usage(payload: Mapping[str, Any]) -> dict[str, Any]:
    metadata, response = payload.get("metadata"), payload.get("response")
    metadata = json_cell(metadata) if isinstance(metadata, str) else metadata
    response = json_cell(response) if isinstance(response, str) else response
    told = inner(metadata, "usage_object") or inner(response, "usage")
    own = {name: payload.get(name) for name in ("prompt_tokens", "completion_tokens")}
    return {**(told if isinstance(told, Mapping) else {}), **own}


def _is_streamed(payload: Mapping[str, Any]) -> bool:
    return payload.get("stream") is True or inner(payload, "model_parameters", "stream") is True


def _finish(payload: Mapping[str, Any]) -> str | None:
    choices = inner(payload, "response", "choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return word(inner(first, "finish_reason"))


def _most(payload: Mapping[str, Any]) -> int | None:
    most = inner(payload, "model_parameters", "max_tokens")
    return most if type(most) is int and most > 0 else None


def _duration(payload: Mapping[str, Any]) -> float | None:
    seconds = number(payload, "response_time")
    began, ended = moment(payload.get("startTime")), moment(payload.get("endTime"))
    if seconds is None and began and ended:
        seconds = max(0.0, (ended - began).total_seconds())
    return seconds
