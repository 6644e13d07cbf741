"""A call as a tool tells it, and the event that it becomes."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import attrs

from autopack.draining.attempts.read_figures import whole
from autopack.errors import AutopackError
from autopack.events import LlmUsageRecorded
from autopack.events.usage import (
    BUILDER,
    HOUR_WRITES,
    figure_fault,
    is_cut_off,
    says_cut,
    usage_id,
)
from autopack.types import NewEvent
from autopack.values.ids import phase_stream, run_stream
from autopack_histories.notes import Notes

TOKENS_MOST: Final = 10**9
"""No call has used more: a greater count is a fault of whoever wrote it down."""

HELPER: Final = "helper"
"""The role of calls by others than a session's main loop: sub-agents, titles, memories."""

_COUNTS: Final = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
    "total_tokens",
)  # fmt: skip
_SECONDS_MOST: Final = 1e9
_UNNAMED: Final = "import-histories"
_says_cut: Final = lru_cache(256)(says_cut)


@attrs.define(kw_only=True)
class Call:
    """
    One call: its key at the provider or the tool, and its figures by the names of a call's fields.

    Figures follow the log's convention: input holds what was read from and written to a cache,
    output holds the reasoning.
    """

    key: str
    provider: str | None
    figures: dict[str, Any]
    at: datetime | None = None
    model: str | None = None
    asked_model: str | None = None
    role: str = BUILDER
    stop_reason: str | None = None
    max_tokens: int | None = None
    duration_s: float | None = None
    cost_source: str | None = None
    split: str = "measured"
    run_id: str | None = None
    phase_id: str | None = None
    source_fields: dict[str, Any] = attrs.Factory(dict)

    def fault(self) -> str | None:
        """Return why the figures cannot be; None if they can."""
        figures = self.figures
        given, written = figures.get("input_tokens") or 0, figures.get("output_tokens") or 0
        cached = (figures.get("cache_read_tokens") or 0) + (figures.get("cache_write_tokens") or 0)
        is_whole = given + written == figures.get("total_tokens") and cached <= given
        if is_whole and (figures.get("reasoning_tokens") or 0) <= written <= TOKENS_MOST >= given:
            return None  # as nearly all are
        if any((figures.get(name) or 0) > TOKENS_MOST for name in _COUNTS):
            return "calls with absurd counts"
        return None if figure_fault(figures) is None else "calls whose figures do not fit together"

    def take(self, later: "Call") -> None:
        """Take a later telling of the same call: the greatest figures, and what is new of it."""
        for name, figure in later.figures.items():
            known = self.figures.get(name)
            if figure is not None and (known is None or figure > known):
                self.figures[name] = figure
        _recount(self.figures)
        self.stop_reason = later.stop_reason or self.stop_reason
        self.duration_s = later.duration_s if self.duration_s is None else self.duration_s
        self.model = self.model or later.model

    def entry(self, notes: Notes) -> tuple[str, NewEvent] | None:
        """Return the call as an event and its stream; None, and a note why, if it cannot be one."""
        if why := self.fault():
            notes.set_aside(why)
            return None
        try:
            return self._stream(), NewEvent(
                event=self._event(),
                event_id=usage_id(self.provider, self.key),
                occurred_at=self.at,
            )
        except AutopackError:
            notes.set_aside("calls that cannot be recorded as they are told")
            return None

    def _event(self) -> LlmUsageRecorded:
        figures, kept = self.figures, self.source_fields
        if hour := figures.pop(HOUR_WRITES, None):
            kept = {**kept, HOUR_WRITES: hour}
        made: Any = LlmUsageRecorded
        event: LlmUsageRecorded = made(
            run_id=self.run_id,
            phase_id=self.phase_id,
            attempt=None if self.phase_id is None else 1,
            call_id=self.key,
            role=self.role,
            provider=self.provider,
            request_model=self.asked_model or self.model,
            response_model=self.model,
            max_tokens=self.max_tokens,
            stop_reason=self.stop_reason,
            truncated=self._is_cut(),
            duration_s=likely(self.duration_s),
            cost_source=self.cost_source if figures.get("cost_usd") is not None else None,
            split=self.split,
            source_fields=kept,
            **figures,
        )
        return event

    def _is_cut(self) -> bool | None:
        if self.max_tokens is None:
            return None if self.stop_reason is None else _says_cut(self.stop_reason)
        told = {"max_tokens": self.max_tokens, "stop_reason": self.stop_reason}
        return is_cut_off({**told, "output_tokens": self.figures.get("output_tokens")})

    def _stream(self) -> str:
        if self.run_id is None:
            return _UNNAMED
        if self.phase_id is None:
            return run_stream(self.run_id)
        return phase_stream(self.run_id, self.phase_id)


def likely(seconds: float | None) -> float | None:
    """Return a duration that a log can hold; None of one of decades, which nobody measured."""
    return seconds if seconds is not None and 0 <= seconds <= _SECONDS_MOST else None


def counts(usage: Any, names: Mapping[str, str]) -> dict[str, int | None] | None:
    """Return a table's counts by our names, none of what is no table; None if one can be none."""
    found: dict[str, int | None] = {}
    if not isinstance(usage, Mapping):
        return found
    for theirs, ours in names.items():
        value = usage.get(theirs)
        if value is None:
            continue
        count = whole(usage, theirs)
        if count is None:
            return None
        found[ours] = count
    return found


def inner(table: Any, *names: str) -> Any:
    """Return what stands under names within names; None where one is missing."""
    for name in names:
        if not isinstance(table, Mapping):
            return None
        table = table.get(name)
    return table


def listed(value: Any) -> list[Any]:
    """Return a list as it is, and none for anything else."""
    return value if isinstance(value, list) else []


def word(value: Any) -> str | None:
    """Return a text that says something, else None; what cannot be stored is replaced."""
    if not isinstance(value, str) or not value.strip():
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _recount(figures: dict[str, Any]) -> None:
    """Let input hold one telling's reads and another one's writes, and the total both."""
    given, written = figures.get("input_tokens"), figures.get("output_tokens")
    cached = (figures.get("cache_read_tokens") or 0) + (figures.get("cache_write_tokens") or 0)
    if given is not None and cached > given:
        figures["input_tokens"] = given = cached
    if figures.get("total_tokens") is not None and given is not None and written is not None:
        figures["total_tokens"] = given + written
