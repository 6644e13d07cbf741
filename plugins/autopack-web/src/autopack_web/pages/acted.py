"""What an action recorded: each event, who did it and why."""

from typing import TYPE_CHECKING, Any, Final

import attrs

from autopack.errors import InvalidInputError

if TYPE_CHECKING:
    from autopack import Log, Recorded
    from autopack_web.moments import Asked

_MOST: Final = 20


@attrs.frozen(kw_only=True)
class Acted:
    """
    What was recorded.

    Args:
        events: In order; none where everything was so already.
        back: The page where it was asked for.
    """

    events: "tuple[Recorded[Any], ...]"
    back: str


def read(log: "Log", asked: "Asked") -> Acted:
    """
    Return the events at the positions that are told.

    Raises:
        InvalidInputError: One is no position of this log.
    """
    told = [one for one in asked.query.get("events", "").split(",") if one][:_MOST]
    head = log.head().position
    events: list[Recorded[Any]] = []
    for one in told:
        position = int(one) if one.isdecimal() and len(one) < 19 else 0
        if not 0 < position <= head:
            raise InvalidInputError(
                f"{one!r} is no position of this log.", name="events", value=one
            )
        events += log.read_all(after=position - 1, limit=1)
    return Acted(events=tuple(events), back=own_page(asked.query.get("back", "")))


def own_page(told: str) -> str:
    """Return a path on these pages; the first page, if it leads elsewhere."""
    is_ours = told.startswith("/") and not told.startswith(("//", "/\\"))
    return told if is_ours and told.isprintable() else "/"
