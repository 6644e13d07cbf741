"""What answers are made of: what was learned by now, and by the moments before."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import attrs

from autopack.ports.calibrator_protocol import Calibrator
from autopack.ports.prediction import Sample
from autopack.prediction.calibration.packed_samples import Seen
from autopack.prediction.calibration.quantile_groups import Recent
from autopack.prediction.mixture.aggregation import even
from autopack.prediction.mixture.experts import SeenSizes
from autopack.prediction.mixture.layers import EXPERTS, Layers
from autopack.prediction.mixture.named_experts import first_states
from autopack.prediction.mixture.same_work import SAME_WORK, SameWork
from autopack.prediction.mixture.tally import Tally


class Basis(NamedTuple):
    """
    What answers are made of: what was seen, and what it taught about the experts.

    Args:
        named: What the experts that are named beside its own have learned.
    """

    known: SeenSizes
    layers: Layers
    work: SameWork
    layers_of_work: Layers
    named: tuple[Any, ...] = ()


class LearnedAt(NamedTuple):
    """When an outcome was learned, and what answers were made of before it."""

    log: str
    position: int | None
    basis: Basis


@attrs.frozen(eq=False)
class Learned:
    """
    What answers are made of, the groups' pairs, and what names each sample.

    Args:
        before: What they were made of before each of the newest outcomes.
        reach: How many of these are kept: twice as many each time that an outcome was later.
        tally: What the predictions were held against.
    """

    basis: Basis
    before: tuple[LearnedAt, ...] = ()
    reach: int = 1
    tally: Tally = attrs.field(factory=Tally)
    recent: Recent = attrs.field(factory=Recent)
    seen: Seen = attrs.field(factory=Seen)


def nothing_learned(experts: Sequence[Calibrator[Any]]) -> Learned:
    """Return what is known before any sample, with experts that are named."""
    layers, of_work = (
        Layers(experts=even(own + len(experts))) for own in (EXPERTS, EXPERTS + SAME_WORK)
    )
    return Learned(Basis(SeenSizes(), layers, SameWork(), of_work, first_states(experts)))


def known_when_asked(state: Learned, sample: Sample) -> tuple[Basis, bool]:
    """Return what was known when a sample was asked for, and whether no more of that is kept."""
    basis = state.basis
    for moment in reversed(state.before):
        is_known = moment.position is None or moment.position <= sample.position
        if is_known or moment.log != sample.log:
            return basis, False
        basis = moment.basis
    return basis, bool(state.before)
