"""The file that codex keeps of a thread: what it used, by which model, and its plan's limits."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Self

import attrs

from autopack.draining.attempts.read_figures import Figures, whole
from autopack.draining.executors import session_files
from autopack.draining.executors.provider_errors import window_report
from autopack.draining.executors.session_calls import Recall, Surroundings, Tell
from autopack.draining.executors.token_figures import (
    COUNTS,
    beyond,
    greatest,
    is_nothing,
    together,
    total,
)

_PROVIDER: Final = "openai"
_NAMES: Final = {
    "input_tokens": "input_tokens",
    "cached_input_tokens": "cache_read_tokens",
    "cache_write_input_tokens": "cache_write_tokens",
    "output_tokens": "output_tokens",
    "reasoning_output_tokens": "reasoning_tokens",
}
USAGE_NAMES: Final = tuple(_NAMES)
"""The counts of codex's ``usage``, by its own names."""

_WINDOWS: Final = ("primary", "secondary")
_FULL: Final = 100
_CUT: Final = "max_output_tokens"


@attrs.define
class Rollout:
    """What a thread's file tells; empty where there is none."""

    model: str | None = None
    sums: Figures = attrs.field(factory=dict)
    limits: dict[str, Any] = attrs.field(factory=dict)

    @classmethod
    def of(cls, place: Surroundings, thread: str) -> Self:
        """Read a thread's file; the client names it after the thread."""
        found = cls()
        folder = place.folder("CODEX_HOME", ".codex")
        if folder is None or not session_files.is_plain(thread):
            return found
        pattern = f"*/*/*/rollout-*-{thread}.jsonl"
        for path in session_files.found(folder / "sessions", pattern):
            for line in session_files.objects(path):
                found.take(line)
        return found

    def take(self, line: Mapping[str, Any]) -> None:
        """Take a line of the file."""
        payload = line.get("payload")
        if not isinstance(payload, dict):
            return
        if line.get("type") == "turn_context" and isinstance(payload.get("model"), str):
            self.model = payload["model"]
        elif line.get("type") == "token_usage_record":
            self._add(payload.get("thread_token_usage"))
        elif payload.get("type") == "token_count":
            info = payload.get("info")
            self._add(info.get("total_token_usage") if isinstance(info, dict) else None)
            limits = payload.get("rate_limits")
            self.limits = limits if isinstance(limits, dict) else self.limits

    def _add(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self.sums = greatest(figures_of(usage), self.sums)


@attrs.frozen(kw_only=True)
class CodexTurn:
    """
    A turn: what a thread's running sums have added since the turn before.

    The turn before may be another process's, which the log knows. A turn that did not complete
    tells no sums: they are in the thread's file, or nobody knows them.

    Args:
        sums: What the thread has used by now; None where the turn did not complete.
        before: What it had used by the last turn of this process; empty at its first.
        limited: Takes what the file says of a plan's limits.
        is_killed: Whether it was broken off, so that more may have been used than is filed.
        is_answered: Whether the model has answered in it, so that something was used.
        is_cut: Whether its output reached the limit.
    """

    lease_token: str
    thread: str
    number: int
    sums: Figures | None
    before: Figures
    source_fields: Mapping[str, Any]
    place: Surroundings
    limited: Callable[[Mapping[str, Any]], None]
    is_killed: bool = False
    is_answered: bool = True
    is_cut: bool = False

    def calls(self, recall: Recall, tell: Tell) -> list[dict[str, Any]]:
        """Return the turn's call, or none if it used nothing."""
        rollout = Rollout.of(self.place, self.thread)
        self.limited(rollout.limits)
        sums = rollout.sums if self.sums is None else self.sums
        if self.is_killed or (self.sums is None and self.is_answered and not sums):
            tell(_unknown(is_filed=bool(sums)))
        figures = beyond(sums, self.before or self._recorded(recall, sums))
        if is_nothing(figures):
            return []
        return [self._call(figures, rollout.model)]

    def _recorded(self, recall: Recall, sums: Figures) -> Figures:
        """Return what the log has of the thread; nothing if the sums do not go on from there."""
        found: Figures = {}
        for used in recall(self.thread).values():
            found = together(found, used)
        found = {name: found[name] for name in COUNTS if found.get(name) is not None}
        return found if (total(sums) or 0) > (total(found) or 0) else {}

    def _call(self, figures: Figures, model: str | None) -> dict[str, Any]:
        kept = {"thread_id": self.thread, **self.source_fields}
        return {
            "call_id": f"{self.lease_token}/{self.thread}/turn-{self.number}",
            "model": model,
            "response_model": model,
            "provider": _PROVIDER,
            "total_tokens": total(figures),
            **figures,
            "source_fields": {**kept, "partial": True} if self.is_killed else kept,
            **({"stop_reason": _CUT, "truncated": True} if self.is_cut else {}),
        }


def figures_of(usage: Mapping[str, Any]) -> Figures:
    """Return what a ``usage`` tells; cached input is part of the input, as in ours."""
    now = {ours: whole(usage, theirs) for theirs, ours in _NAMES.items()}
    return {name: figure for name, figure in now.items() if figure is not None}


def limit_facts(limits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the window of a plan that is used up, and when it opens again, in Unix seconds."""
    for name in reversed(_WINDOWS):  # the longer one first: it keeps closed for longer
        window = limits.get(name)
        if not isinstance(window, dict):
            continue
        percent = window.get("used_percent")
        if not isinstance(percent, int | float) or percent < _FULL:
            continue
        found: dict[str, Any] = {"window": name}
        if type(window.get("window_minutes")) is int:
            found["window_minutes"] = window["window_minutes"]
        if type(window.get("resets_at")) is int:
            found["resets_at"] = window["resets_at"]
        return found
    return {}


def windows_of(limits: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what ``rate_limits`` tells of a plan's windows, for ``report_limit``."""
    found = []
    for name in _WINDOWS:
        window = limits.get(name)
        if isinstance(window, dict):
            percent = window.get("used_percent")
            used = percent / _FULL if isinstance(percent, int | float) else None
            found.append(window_report("codex", name, used, window.get("resets_at")))
    return found


def _unknown(*, is_filed: bool) -> str:
    if is_filed:
        return "the turn did not complete: what the thread's file says is the least that was used"
    return "the turn did not complete, and codex tells the usage of whole turns only: not known"
