"""As of when a page is asked for: now, or any position or moment of the log."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from autopack.cli.position_arguments import place_of
from autopack.log.log import journal_of
from autopack.ports.log import from_us

if TYPE_CHECKING:
    from autopack import Log, Recorded

_LATE: Final = timedelta(hours=1)


@attrs.frozen(kw_only=True)
class Moment:
    """
    As of when a page tells.

    Args:
        position: The last event that it knows.
        recorded_at: When that was recorded; None for the empty log.
        occurred_at: When what it tells happened: before that, where it was imported.
        head: The last event of the log.
        now: Now; or, of the past, when that was.
        is_past: Whether a position or a moment was asked for; else it is now.
    """

    log_id: str
    target: str
    position: int
    recorded_at: datetime | None
    occurred_at: datetime | None
    head: int
    now: datetime
    is_past: bool

    @property
    def is_late(self) -> bool:
        """Whether the last event was recorded long after it happened, as an import's are."""
        if self.recorded_at is None or self.occurred_at is None:
            return False
        return self.recorded_at - self.occurred_at > _LATE


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

    def at(self, head: int) -> str | None:
        """Return as of when, as it was typed, or as the slider stands; at its end it is now."""
        slid = self.told("position")
        return self.told("at") or (None if slid == str(head) else slid)

    @property
    def is_plain(self) -> bool:
        """Whether a position is named, or nothing: neither a time nor the slider of the form."""
        at = self.query.get("at")
        return "position" not in self.query and (at is None or at.isdecimal())

    def told(self, name: str) -> str | None:
        """Return what was asked for by a name; None if that was nothing."""
        return self.query.get(name, "").strip() or None


def log_at(log: "Log", at: str | None) -> "tuple[Log, Moment]":
    """
    Return the log as of then, and what then is.

    Raises:
        InvalidInputError: That is no place in this log.
    """
    head = log.head()
    past = log if at is None else log.as_of(place_of(at, now_of(log)))
    last = past.head()
    event = _event_at(past, last.position)
    return past, Moment(
        log_id=head.log_id,
        target=log.target,
        position=last.position,
        recorded_at=None if event is None else event.recorded_at,
        occurred_at=None if event is None else event.occurred_at,
        head=head.position,
        now=now_of(past),
        is_past=at is not None,
    )


def place_asked(asked: Asked, name: str, now: datetime) -> int | datetime | None:
    """
    Return the position or the moment that was asked for by a name; None if none was.

    Args:
        now: From when on a time is reckoned back.

    Raises:
        InvalidInputError: It is neither.
    """
    told = asked.told(name)
    return None if told is None else place_of(told, now)


def now_of(log: "Log") -> datetime:
    """Return now, by the log's clock; of a log of the past, when that was."""
    return from_us(journal_of(log).now_us())


def _event_at(log: "Log", position: int) -> "Recorded[Any] | None":
    rows = log.read_all(after=position - 1, limit=1) if position else ()
    return next(iter(rows), None)
