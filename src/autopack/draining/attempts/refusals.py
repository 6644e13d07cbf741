"""Refusals that pass by themselves: which lane they close, and for how long."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from autopack.aggregates.account import ALL_MODELS, lane_of
from autopack.aggregates.requests import Refused
from autopack.draining.attempts.backoff import Backoff
from autopack.draining.attempts.failure_classes import WAITING
from autopack.draining.attempts.told_waits import LONGEST_WAIT_S
from autopack.events import LimitReported, PhaseFailed

if TYPE_CHECKING:
    from autopack.draining.attempts.claims import Claim

FREE_MOST: Final = 50
"""So many refusals of a phase spend no attempt; the next ones count like any other failure."""

FREE_FOR: Final = timedelta(days=30)
"""So long may a lane be closed whose probes spend no attempt."""

_ONE_MORE_S: Final = 10.0
"""A probe may be refused once more for each so many seconds that its lane has been closed."""

_WINDOW: Final = Backoff(base_s=60.0, cap_s=900.0)
_PER_MODEL: Final = frozenset({"rate_limited", "overloaded"})
_MODELS: Final = re.compile(r"opus|sonnet|haiku|fable|gpt|codex.?spark|gemini|flash", re.IGNORECASE)
_PARTS: Final = re.compile(r"[^a-z0-9]+")
_USED_UP: Final = 1.0


def told_wait_s(facts: Mapping[str, Any], now: datetime) -> float | None:
    """
    Return for how many seconds a failure's facts close a limit: until its reset.

    A reset that is over already, while the provider still refuses, says nothing: 0.
    """
    resets_at = _moment(facts.get("resets_at"))
    if resets_at is None:
        return None
    return min(max(0.0, (resets_at - now).total_seconds()), LONGEST_WAIT_S)


def refused_by(
    claim: "Claim", event: PhaseFailed, now: datetime, *, backoff: Backoff, draw: float
) -> Refused | None:
    """
    Return what a failure says of its account's lanes; None if it is no refusal.

    Args:
        backoff: How long a lane rests whose provider did not say; a plan's window that names no
            end is looked at again after up to one minute, then two, up to fifteen.
        draw: A random number from 0 to 1.
    """
    if claim.account is None or event.failure_class not in WAITING:
        return None
    told_s = event.retry_after_s or None
    kind, lane = event.failure_class, lane_of(claim.phase.model)
    window = _window(event.source_fields)
    is_models = kind in _PER_MODEL if window is None else _names_model(window, event, lane)
    waits = _WINDOW if kind == "usage_limit" and told_s is None else backoff

    def wait_s(refused: int) -> float:
        return (told_s or 0.0) + waits.wait_s(refused, draw=draw)

    limit = None
    if window is not None:
        limit = LimitReported(
            account=claim.account,
            window=window,
            utilization=_USED_UP,
            resets_at=_moment(event.source_fields.get("resets_at")),
            model=lane if is_models else None,
            source="refusal",
        )
    return Refused(
        account=claim.account,
        lane=lane if is_models else ALL_MODELS,
        cause=kind,
        run_id=claim.ref.run_id,
        phase_id=claim.ref.phase_id,
        lease_token=claim.token,
        now=now,
        wait_s=wait_s,
        is_told=told_s is not None,
        limit=limit,
    )


def given_up(claim: "Claim", kind: str, now: datetime) -> str | None:
    """
    Return why a refusal spends its attempt all the same, and how to take that back; None if not.

    A probe that is refused says little of its phase: the longer its lane is closed, the more of
    them are free, for a month at most.
    """
    closed_for = timedelta() if claim.probes_since is None else now - claim.probes_since
    most = FREE_MOST + max(0.0, closed_for.total_seconds()) / _ONE_MORE_S
    if claim.free_attempts < most and closed_for < FREE_FOR:
        return None
    lasts = f" in {closed_for.days} days" if closed_for >= FREE_FOR else ""
    return (
        f"{claim.free_attempts + 1} attempts were refused{lasts} ({kind}), and are free no more. "
        f'Once it is mended, put it back with: autopack phase requeue {claim.ref} --why "..."'
    )


def _window(facts: Mapping[str, Any]) -> str | None:
    found = facts.get("window")
    return found if isinstance(found, str) and found.strip() else None


def _names_model(window: str, event: PhaseFailed, lane: str) -> bool:
    """Tell whether a window is one model's: by its name, or as its provider says."""
    if event.source_fields.get("limited_model"):
        return True
    words = set(_PARTS.split(window.lower())) & set(_PARTS.split(lane.lower()))
    return any(len(word) > 1 and word.isalpha() for word in words) or bool(_MODELS.search(window))


def _moment(told: Any) -> datetime | None:
    """Return a moment told in Unix seconds or milliseconds, or as ISO 8601; None if it is none."""
    if isinstance(told, str):
        try:
            found = datetime.fromisoformat(told.strip())
        except ValueError:
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < 1e14:
        return None
    return datetime.fromtimestamp(told / 1000 if told > 1e11 else told, UTC)
