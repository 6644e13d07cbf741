"""What predictions were held against, and what that promises of the share that was missed."""

from collections.abc import Iterable
from typing import NamedTuple

from autopack.prediction.calibration.guarantees import Guarantee, undecided
from autopack.prediction.mixture.layers import HOLDING, LAYER_MOST, Layers


class Tally(NamedTuple):
    """
    The outcomes that offsets were moved by; never changed.

    Args:
        rows: How many predictions were held against their outcome.
        misses: How many outputs were larger than predicted for certain.
        open: How many were cut off before that could be told.
        late: How many were held against what would be said at their end, not what was said.
        stopped: How many met an offset at its end, where a miss moves it no more.
    """

    rows: int = 0
    misses: int = 0
    open: int = 0
    late: int = 0
    stopped: int = 0

    def with_outcome(self, said: float, size: int, *, is_late: bool, is_stopped: bool) -> "Tally":
        """Return the tally after one more; a negative size was cut off there."""
        is_missed = abs(size) > said
        return Tally(
            self.rows + 1,
            self.misses + is_missed,
            self.open + (size < 0 and not is_missed),
            self.late + is_late,
            self.stopped + is_stopped,
        )


def is_stopped(layers: Layers) -> bool:
    """Tell whether the offset that holds the coverage of all can go no further up."""
    return layers.held >= LAYER_MOST


def guaranteed(tally: Tally, layers: Iterable[Layers], tau: float) -> Guarantee:
    """
    Return what holds of the share of misses, whatever the outputs were.

    Each miss raises an offset by step tau, and each output that fits lowers it by step
    (1 - tau) at most. So over T outcomes the misses are at most (1 - tau) T and as many as the
    way of the offsets tells: their last values over the step, since they began at 0.

    Args:
        tally: At least one row.
        layers: Those whose offsets were moved.

    Source: Angelopoulos et al. (2023), Conformal PID control, proposition 1.
    """
    way = sum(one.held for one in layers) / HOLDING
    missing = [undecided(tally.open)] if tally.open else []
    if tally.stopped:
        missing.append(f"{tally.stopped:,} times its offset was as large as it may be")
    return Guarantee(
        group="all groups",
        rows=tally.rows,
        missed=tally.misses / tally.rows,
        at_most=1 - tau + way / tally.rows,
        tau=tau,
        late=tally.late,
        missing=tuple(missing),
    )
