"""Places in the tree that a sample belongs to, and what was seen at each."""

import math
from array import array
from bisect import bisect_left, insort
from functools import lru_cache
from typing import Final, NamedTuple

from autopack.prediction.calibration.quantile_groups import group_of

WINDOWS: Final = (500, 100, 30)
"""How many of its newest sizes a place keeps, and reads: all, some, few."""
_MEMORY: Final = 200
"""How many sizes a mean is of; from then on the older ones fade."""
_PARTS_OF_AN_OCTAVE: Final = (1, 2, 4, 8, 16)

DEPTHS: Final = 10
LEAF: Final = 4
"""The depth of model, category and complexity; what is deeper looks at the prompt."""
BRANCH: Final = 3
"""Where the path without the model leaves the other: category and complexity."""


class Ranked(NamedTuple):
    """Sizes in ascending order: the whole ones, and where the others were cut off."""

    exact: "array[int]"
    cut: "array[int]"


class Place(NamedTuple):
    """
    What was seen at one place of the tree; never changed.

    Args:
        order: The newest sizes by arrival; a negative one was cut off there.
        long, middle, short: The newest 500, 100 and 30 of them; the same while few are known.
        n: How many whole sizes the mean is of, at most 200.
        mean: Their mean logarithm.
        prompts: How many prompts are known, at most 200.
        prompt: The mean logarithm of their sizes.
    """

    order: "array[int]"
    long: Ranked
    middle: Ranked
    short: Ranked
    n: int
    mean: float
    prompts: int
    prompt: float

    @property
    def largest(self) -> int:
        """The largest size seen, whole or cut off."""
        exact, cut = self.long
        return max((*exact[-1:], *cut[-1:]))


class Path(NamedTuple):
    """
    The names of the places of a sample, from the root down.

    Args:
        own: All, model, category, complexity, the model's own of these, and the prompt's size
            from octaves to sixteenths of one.
        shared: The prompt's size below category and complexity, whatever the model.
        category: What is pooled by category.
        group: What is followed by model and category.
        model: What is known of the model across categories.
    """

    own: tuple[str, ...]
    shared: tuple[str, ...]
    category: str
    group: str
    model: str


@lru_cache(maxsize=4096)
def path_of(model: str, category: str, complexity: str, prompt_tokens: int | None) -> Path:
    """Return where a sample belongs."""
    category, complexity = group_of(category, complexity)
    of_category, both = f"c\0{category}", f"c\0{category}\0{complexity}"
    leaf = f"m\0{model}\0{category}\0{complexity}"
    bins: list[str] = []
    if prompt_tokens is not None and prompt_tokens >= 0:
        octaves = math.log2(1 + prompt_tokens)
        bins = [f"\0{parts}\0{int(octaves * parts)}" for parts in _PARTS_OF_AN_OCTAVE]
    return Path(
        own=("", f"m\0{model}", of_category, both, leaf, *(leaf + one for one in bins)),
        shared=tuple(both + one for one in bins),
        category=of_category,
        group=f"m\0{model}\0{category}",
        model=f"m\0{model}",
    )


def grown(place: Place | None, size: int, log_prompt: float | None) -> Place:
    """Return what is known after one more size, which is negative if it was cut off there."""
    before, long, middle, short, n, mean, prompts, prompt = place or _EMPTY
    order = before[:]
    order.append(size)
    many = len(order)
    if many > WINDOWS[0]:
        many = WINDOWS[0]
        long = _replaced(long, size, order.pop(0))
    else:
        long = _replaced(long, size, 0)
    middle = _replaced(middle, size, order[-WINDOWS[1] - 1]) if many > WINDOWS[1] else long
    short = _replaced(short, size, order[-WINDOWS[2] - 1]) if many > WINDOWS[2] else middle
    if size > 0:
        n = n + 1 if n < _MEMORY else n
        mean += (math.log(size) - mean) / n
        if log_prompt is not None:
            prompts = prompts + 1 if prompts < _MEMORY else prompts
            prompt += (log_prompt - prompt) / prompts
    return Place(order, long, middle, short, n, mean, prompts, prompt)


def _replaced(ranked: Ranked, new: int, gone: int) -> Ranked:
    """Return the sizes with *new* and without *gone*, which is 0 if none goes."""
    exact, cut = ranked
    if new > 0 or gone > 0:
        exact = exact[:]
        if gone > 0:
            del exact[bisect_left(exact, gone)]
        if new > 0:
            insort(exact, new)
    if new < 0 or gone < 0:
        cut = cut[:]
        if gone < 0:
            del cut[bisect_left(cut, -gone)]
        if new < 0:
            insort(cut, -new)
    return Ranked(exact, cut)


_NONE: Final = Ranked(array("q"), array("q"))
_EMPTY: Final = Place(array("q"), _NONE, _NONE, _NONE, 0, 0.0, 0, 0.0)
