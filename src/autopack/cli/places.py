"""Places in a log as people name them: positions and moments."""

from datetime import datetime


def place_of(text: str) -> int | datetime:
    """Return a position, or an aware moment."""
    from autopack.errors import InvalidInputError

    if text.isdecimal():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is neither a position (120) nor a time (2026-01-31T12:00:00Z)."
        ) from None
    if moment.tzinfo is None:
        raise InvalidInputError(f"The time {text} has no zone: add Z for UTC, or +HH:MM.")
    return moment
