"""What the log says of a client's session: the sums of its calls, whatever attempt made them."""

import threading
from collections.abc import Mapping
from typing import Any, Final

from autopack.events import LlmUsageRecorded
from autopack.log.journal import Journal
from autopack.ports.attempt import SessionUse
from autopack.values.money import Usd

SESSION_FIELDS: Final = ("session_id", "thread_id")
"""Where a reader of a client's output keeps the session's id, in a call's ``source_fields``."""

TOKEN_FIELDS: Final = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
)  # fmt: skip
"""The counts of a call that a session's sums are made of."""


class RecordedSessions:
    """
    Adds up the calls of sessions; reads only what was appended since it was last asked.

    A client that goes on with a session tells what the session used since its beginning, so what
    of that is new can be known from the log alone.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._asking = threading.Lock()
        self._position = 0
        self._sessions: dict[str, dict[str, dict[str, Any]]] = {}

    def use(self, session_id: str) -> SessionUse:
        """Return what a session's recorded calls used, by model; empty if it has none."""
        with self._asking:
            calls = self._journal.read_all(after=self._position, types=[LlmUsageRecorded])
            for recorded in calls:
                self._position = recorded.position
                self._add(recorded.event)
            found = self._sessions.get(session_id, {})
            return {model: dict(figures) for model, figures in found.items()}

    def _add(self, call: LlmUsageRecorded) -> None:
        session = _session_of(call.source_fields)
        if session is None:
            return
        models = self._sessions.setdefault(session, {})
        sums = models.setdefault(call.response_model or call.request_model or "", {})
        for name in TOKEN_FIELDS:
            if (tokens := getattr(call, name)) is not None:
                sums[name] = sums.get(name, 0) + tokens
        if call.cost_usd is not None and call.cost_source == "reported":
            sums["cost_usd"] = sums.get("cost_usd", Usd()) + call.cost_usd


def _session_of(source_fields: Mapping[str, Any]) -> str | None:
    found = (source_fields.get(name) for name in SESSION_FIELDS)
    return next((one for one in found if isinstance(one, str)), None)
