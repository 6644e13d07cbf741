"""Which of the known names was probably meant."""

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is spelled most like *name*, or None if none is near."""
    import difflib  # only where something is wrong

    close = difflib.get_close_matches(name, list(known), n=1)
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the nearest known name, a space before it; empty if none is near."""
    close = nearest(name, known)
    return "" if close is None else f" Did you mean {close!r}?"
