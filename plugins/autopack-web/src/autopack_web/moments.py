"""As of when a page is asked for: now, or any position or moment of the log."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from autopack.cli.position_arguments import place_of

if TYPE_CHECKING:
    from autopack import Log


@attrs.frozen(kw_only=True)
class Moment:
    """
    As of when a page tells.

    Args:
        position: The last event that it knows.
        recorded_at: When that was recorded; None for the empty log.
        head: The last event of the log.
        is_past: Whether a position or a moment was asked for; else it is now.
    """

    log_id: str
    target: str
    position: int
    recorded_at: datetime | None
    head: int
    is_past: bool


@attrs.frozen(kw_only=True)
class Asked:
    """
    What a page is asked for.

    Args:
        parts: What the path names, such as ``run`` and ``phase``.
        query: What stands behind the question mark.
    """

    parts: Mapping[str, str] = attrs.Factory(dict)
    query: Mapping[str, str] = attrs.Factory(dict)

    @property
    def at(self) -> str | None:
        """As of when, as it was typed; None is now."""
        return self.query.get("at", "").strip() or None


def log_at(log: "Log", at: str | None) -> "tuple[Log, Moment]":
    """
    Return the log as of then, and what then is.

    Raises:
        InvalidInputError: That is no place in this log.
    """
    head = log.head()
    past = log if at is None else log.as_of(place_of(at))
    last = past.head()
    return past, Moment(
        log_id=head.log_id,
        target=log.target,
        position=last.position,
        recorded_at=_recorded_at(past, last.position),
        head=head.position,
        is_past=at is not None,
    )


def _recorded_at(log: "Log", position: int) -> datetime | None:
    rows = list(log.read_all(after=position - 1, limit=1)) if position else []
    return rows[0].recorded_at if rows else None
