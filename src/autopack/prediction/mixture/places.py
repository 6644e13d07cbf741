"""Places in the tree that a sample belongs to, and what was seen at each."""

import math
from array import array
from bisect import bisect_left, insort
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

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


Ranked: TypeAlias = "tuple[array[int], array[int]]"
"""Sizes in ascending order: the whole ones, and where the others were cut off."""


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
        own: All, model, category, complexity, and the model's own of these.
        octave: Where the prompt's size is looked at below them; empty if it is not known.
        shared_octave: The same below category and complexity, whatever the model.
        parts: Which places of an octave the size belongs to, from the whole to a sixteenth.
        category: What is pooled by category.
        group: What is followed by model and category.
        model: What is known of the model across categories.
    """

    own: tuple[str, ...]
    octave: str
    shared_octave: str
    parts: tuple[int, ...]
    category: str
    group: str
    model: str


def path_of(model: str, category: str, complexity: str, prompt_tokens: int | None) -> Path:
    """Return where a sample belongs."""
    part = None
    if prompt_tokens is not None and prompt_tokens >= 0:
        part = int(math.log2(1 + prompt_tokens) * _PARTS_OF_AN_OCTAVE[-1])
    return _path_at(model, category, complexity, part)


@lru_cache(maxsize=4096)
def _path_at(model: str, category: str, complexity: str, part: int | None) -> Path:
    """Return the path of a prompt in the finest part of an octave, which tells the coarser ones."""
    category, complexity = group_of(category, complexity)
    of_category, both = f"c\0{category}", f"c\0{category}\0{complexity}"
    leaf = f"m\0{model}\0{category}\0{complexity}"
    octave = shared_octave = ""
    parts: tuple[int, ...] = ()
    if part is not None:
        finest = _PARTS_OF_AN_OCTAVE[-1]
        octave, shared_octave = (f"{above}\0{part // finest}" for above in (leaf, both))
        # Below an octave come its two halves, then its four quarters, and so on.
        parts = tuple(of - 1 + part % finest * of // finest for of in _PARTS_OF_AN_OCTAVE)
    return Path(
        own=("", f"m\0{model}", of_category, both, leaf),
        octave=octave,
        shared_octave=shared_octave,
        parts=parts,
        category=of_category,
        group=f"m\0{model}\0{category}",
        model=f"m\0{model}",
    )


def grown(
    place: Place | None, size: int, log_prompt: float | None, *, is_shared: bool = False
) -> Place:
    """
    Return what is known after one more size, which is negative if it was cut off there.

    Args:
        is_shared: Whether it is looked at whatever the model, and so in its longest window alone.
    """
    before, long, middle, short, n, mean, prompts, prompt = place or _EMPTY
    order = before[:]
    order.append(size)
    many = len(order)
    if many > WINDOWS[0]:
        many = WINDOWS[0]
        long = _replaced(long, size, order.pop(0))
    else:
        long = _replaced(long, size, 0)
    if is_shared:
        middle = short = long
    else:
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
    if new > 0:
        exact = exact[:]
        if gone > 0:
            del exact[bisect_left(exact, gone)]
        elif gone:
            cut = _without(cut, -gone)
        insort(exact, new)
        return exact, cut
    cut = _without(cut, -gone) if gone < 0 else cut[:]
    insort(cut, -new)
    return (_without(exact, gone) if gone > 0 else exact), cut


def _without(sizes: "array[int]", gone: int) -> "array[int]":
    at = bisect_left(sizes, gone)
    return sizes[:at] + sizes[at + 1 :]


NO_OCTAVE: Final[tuple[Place | None, ...]] = (None,) * (2 * _PARTS_OF_AN_OCTAVE[-1] - 1)
"""An octave of which nothing is known."""
_NONE: Final[Ranked] = (array("q"), array("q"))
_EMPTY: Final = Place(array("q"), _NONE, _NONE, _NONE, 0, 0.0, 0, 0.0)
