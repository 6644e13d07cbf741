"""The newest sizes of a group: what a sliding quantile is taken from."""

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable

import attrs

from autopack.prediction.calibration.survival import quantile_of


def _none() -> "array[int]":
    return array("q")


@attrs.frozen
class Window:
    """
    The newest output sizes in tokens; a negative one was cut off at that size.

    The arrays are never changed: copying one is quicker than any structure that shares parts.

    Args:
        order: In order of arrival, the oldest first.
        exact: The whole ones, ascending.
        cut: The sizes at which the others were cut off, ascending.
    """

    order: "array[int]" = attrs.field(factory=_none)
    exact: "array[int]" = attrs.field(factory=_none)
    cut: "array[int]" = attrs.field(factory=_none)

    def __len__(self) -> int:
        return len(self.order)

    def with_size(self, size: int, longest: int) -> "Window":
        """Return the window after *size*, without the oldest if there are over *longest*."""
        order = self.order[:]
        order.append(size)
        gone = order.pop(0) if len(order) > longest else 0
        exact = self.exact if size < 0 and gone <= 0 else _changed(self.exact, size, gone)
        cut = self.cut if size > 0 and gone >= 0 else _changed(self.cut, -size, -gone)
        return Window(order, exact, cut)

    def with_sizes(self, sizes: Iterable[int], longest: int) -> "Window":
        """Return the window after many *sizes*."""
        order = array("q", [*self.order, *sizes][-longest:])
        exact = array("q", sorted(size for size in order if size > 0))
        return Window(order, exact, array("q", sorted(-size for size in order if size < 0)))

    def quantile(self, tau: float) -> float | None:
        """Return the size at *tau* with the finite-sample correction; None if it lies beyond."""
        return quantile_of(self.exact, self.cut, tau)

    @property
    def largest(self) -> int:
        """Return the largest size seen, whole or cut off."""
        return max((*self.exact[-1:], *self.cut[-1:]), default=0)


def _changed(ordered: "array[int]", new: int, gone: int) -> "array[int]":
    """Return a copy with *new* and without *gone*; what is not above 0 is left out."""
    changed = ordered[:]
    if gone > 0:
        del changed[bisect_left(changed, gone)]
    if new > 0:
        insort(changed, new)
    return changed
