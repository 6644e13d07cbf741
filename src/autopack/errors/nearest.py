"""Which of the known names was probably meant."""

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """
    Return the known name that is spelled most like *name*, or None if none is near.

    Args:
        likeness: From 0 to 1, for a name spelled the same: what counts as near.
    """
    import difflib  # only where something is wrong

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=likeness)
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the nearest known name, a space before it; empty if none is near."""
    close = nearest(name, known)
    return "" if close is None else f" Did you mean {close!r}?"
