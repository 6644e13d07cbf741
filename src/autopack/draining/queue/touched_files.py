"""Whether what two phases say that they touch can be the same file: patterns against patterns."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_ANY: Final = "**"
_BELOW: Final = ("/", _ANY)


def meeting(first: Iterable[str], second: Iterable[str]) -> tuple[str, str] | None:
    """Return two patterns, one of each, that a file can match both of; None if there are none."""
    theirs = tuple(second)
    return next(((one, other) for one in first for other in theirs if meet(one, other)), None)


@lru_cache(maxsize=4096)
def meet(first: str, second: str) -> bool:
    """
    Tell whether a path can match both patterns.

    ``*`` and ``?`` stay within a folder, ``**`` does not; a set as ``[a-z]`` counts as any letter.
    A pattern also means all that is below it.
    """
    one, other = ([*_tokens(text), *_BELOW] for text in (first, second))
    seen, ahead = {(0, 0)}, [(0, 0)]
    while ahead:
        a, b = ahead.pop()
        if _is_end(one, a) and _is_end(other, b):
            return True
        for step in _steps(one, other, a, b):
            if step not in seen:
                seen.add(step)
                ahead.append(step)
    return False


def _is_end(tokens: list[str], place: int) -> bool:
    """Tell whether a path may end here: after the pattern, or after what is below it."""
    return place in (len(tokens) - len(_BELOW), len(tokens))


def _steps(one: list[str], other: list[str], a: int, b: int) -> Iterable[tuple[int, int]]:
    """Yield where both patterns may stand after one letter, or after leaving a star."""
    left = one[a] if a < len(one) else ""
    right = other[b] if b < len(other) else ""
    if left in ("*", _ANY):
        yield a + 1, b
    if right in ("*", _ANY):
        yield a, b + 1
    if left and right and _agree(left, right):
        next_a = a if left in ("*", _ANY) else a + 1
        next_b = b if right in ("*", _ANY) else b + 1
        yield next_a, next_b


def _agree(left: str, right: str) -> bool:
    """Tell whether some letter is meant by both."""
    wild = ("*", "?", _ANY)
    if left in wild and right in wild:
        return True
    if left in wild or right in wild:
        wide, letter = (left, right) if left in wild else (right, left)
        return wide == _ANY or letter != "/"
    return left == right


def _tokens(pattern: str) -> list[str]:
    """Return a pattern as letters and stars."""
    text, found = pattern.replace("\\", "/").removeprefix("./").strip("/"), list[str]()
    place = 0
    while place < len(text):
        if text.startswith(_ANY, place):
            found.append(_ANY)
            place += 2
            if text.startswith("/", place):  # `**/x` is `x` too
                place += 1
            continue
        end = text.find("]", place + 2) if text[place] == "[" else -1
        found.append("?" if end > 0 else text[place])
        place = end + 1 if end > 0 else place + 1
    return found
