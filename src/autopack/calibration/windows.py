"""The newest sizes of a group: what a sliding quantile is taken from."""

from bisect import bisect_left
from collections.abc import Iterable

import attrs

from autopack.calibration.survival import quantile_of


@attrs.frozen
class Window:
    """
    The newest output sizes in tokens; a negative one was cut off at that size.

    Args:
        order: In order of arrival, the oldest first.
        exact: The whole ones, ascending.
        cut: The sizes at which the others were cut off, ascending.
    """

    order: tuple[int, ...] = ()
    exact: tuple[int, ...] = ()
    cut: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.order)

    def with_size(self, size: int, longest: int) -> "Window":
        """Return the window after *size*, without the oldest if there are over *longest*."""
        exact, cut, order = self.exact, self.cut, (*self.order, size)
        if len(order) > longest:
            gone, order = order[0], order[1:]
            if gone > 0:
                exact = _without(exact, gone)
            else:
                cut = _without(cut, -gone)
        if size > 0:
            return Window(order, _with(exact, size), cut)
        return Window(order, exact, _with(cut, -size))

    def with_sizes(self, sizes: Iterable[int], longest: int) -> "Window":
        """Return the window after many *sizes*."""
        order = (*self.order, *sizes)[-longest:]
        exact = tuple(sorted(size for size in order if size > 0))
        return Window(order, exact, tuple(sorted(-size for size in order if size < 0)))

    def quantile(self, tau: float) -> float | None:
        """Return the size at *tau* with the finite-sample correction; None if it lies beyond."""
        return quantile_of(self.exact, self.cut, tau)

    @property
    def largest(self) -> int:
        """Return the largest size seen, whole or cut off."""
        return max((*self.exact[-1:], *self.cut[-1:]), default=0)


def _with(ordered: tuple[int, ...], size: int) -> tuple[int, ...]:
    at = bisect_left(ordered, size)
    return (*ordered[:at], size, *ordered[at:])


def _without(ordered: tuple[int, ...], size: int) -> tuple[int, ...]:
    at = bisect_left(ordered, size)
    return (*ordered[:at], *ordered[at + 1 :])
