"""What a calibrator keeps of its samples: small, never mutated, and cheap to add to in bulk."""

from array import array
from collections.abc import Iterable, Sequence
from typing import Final

import attrs
from rpds import HashTrieMap, List

from autopack.prediction.calibration.sorted_multiset import Ordered

_PACKED: Final = 128

GroupName = tuple[str, str]
"""Category and complexity, in the standard words."""


@attrs.frozen(kw_only=True)
class Pairs:
    """Predicted and actual output tokens of a group, in order: 16 bytes a sample, and a tail."""

    packed: "List[bytes]" = attrs.field(factory=List)
    tail: tuple[int, ...] = ()

    def with_figures(self, figures: Iterable[int]) -> "Pairs":
        """Return the pairs and *figures*: predicted, actual, predicted, actual, ..."""
        flat = array("q", self.tail)
        flat.extend(figures)
        packed, whole = self.packed, len(flat) // _PACKED * _PACKED
        for start in range(0, whole, _PACKED):
            packed = packed.push_front(flat[start : start + _PACKED].tobytes())
        return Pairs(packed=packed, tail=tuple(flat[whole:]))

    def figures(self) -> Sequence[int]:
        """Return all figures as one flat sequence, in order."""
        flat = array("q", b"".join(reversed(list(self.packed))))
        flat.extend(self.tail)
        return flat


@attrs.frozen(eq=False)
class Seen:
    """
    A growing set of texts that is never mutated: layers, each over twice as large as the next.

    Layers of a similar size are merged, so that adding one by one copies each text a
    logarithmic number of times, and adding many at once copies them once.
    """

    layers: tuple[frozenset[str], ...] = ()

    def __contains__(self, text: str) -> bool:
        return any(text in layer for layer in self.layers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Seen):
            return NotImplemented
        return frozenset().union(*self.layers) == frozenset().union(*other.layers)

    def with_texts(self, texts: set[str]) -> "Seen":
        """Return the set with *texts* in it."""
        if not texts:
            return self
        layers, newest = list(self.layers), frozenset(texts)
        while layers and len(layers[-1]) < 2 * len(newest):
            newest |= layers.pop()
        return Seen((*layers, newest))


@attrs.frozen(kw_only=True)
class Evidence:
    """
    What the samples so far say.

    Args:
        groups: The used samples' figures by category and complexity.
        ratios: Their actual over predicted, sorted.
        seen: What names each used sample, to know a repeat.
        versions: The estimator versions of the used ones; None for an import without one.
    """

    groups: "HashTrieMap[GroupName, Pairs]" = attrs.field(factory=HashTrieMap)
    ratios: "HashTrieMap[GroupName, Ordered]" = attrs.field(factory=HashTrieMap)
    seen: Seen = attrs.field(factory=Seen)
    versions: frozenset[str | None] = frozenset()
