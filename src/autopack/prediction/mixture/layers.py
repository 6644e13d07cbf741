"""Experts weighed, followed and held to their coverage: what is issued, and what it learns."""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import attrs
from rpds import HashTrieMap

from autopack.prediction.mixture.aggregation import Weights, even, judged, mixed
from autopack.prediction.mixture.experts import BASE, COARSE, STATIC
from autopack.prediction.mixture.followers import moved

_ALL_STEPS: Final = (0.1, 0.3, 0.1, 0.3)
"""Two followers of the leaf's octave, two of the leaf, moved by all outcomes."""
_GROUP_STEPS: Final = (0.05, 0.2)
"""Two followers of the leaf's octave, moved by the outcomes of the model and category."""
_ALL_BASES: Final = (BASE, BASE, COARSE, COARSE)
_SPEEDS: Final = (0.0, 0.02, 0.1, 0.3)
"""How fast the second layer's candidates follow the mixture."""
HOLDING: Final = 0.005
"""The step that holds the coverage of all, in log tokens."""
HOLDING_OF_GROUP: Final = 0.02
_FOLLOWER_MOST: Final = 3.0
LAYER_MOST: Final = 4.0
"""How far an offset of a layer may go, in log tokens."""

EXPERTS: Final = STATIC + len(_ALL_STEPS) + len(_GROUP_STEPS)


@attrs.frozen(eq=False)
class Layers:
    """
    What outcomes have taught about the experts; never changed.

    Args:
        experts: Their weights.
        candidates: Those of the second layer.
        speeds: The offsets of its candidates.
        followers: Offsets of those that follow all outcomes.
        held: The offset that holds the coverage of all.
        groups: By model and category, the offsets of its followers, and the one that holds its
            coverage, the last.
    """

    experts: Weights = attrs.field(factory=lambda: even(EXPERTS))
    candidates: Weights = attrs.field(factory=lambda: even(len(_SPEEDS)))
    speeds: tuple[float, ...] = (0.0,) * len(_SPEEDS)
    followers: tuple[float, ...] = (0.0,) * len(_ALL_STEPS)
    held: float = 0.0
    groups: "HashTrieMap[str, tuple[float, ...]]" = attrs.field(factory=HashTrieMap)


class Issued(NamedTuple):
    """
    What each layer says of one question, in tokens.

    Args:
        experts: What the experts say.
        mixture: What is made of it.
        candidates: The mixture, followed at several speeds.
        blended: What is made of these.
        size: What is said in the end.
    """

    experts: list[float]
    mixture: float
    candidates: list[float]
    blended: float
    size: float


Missed = Callable[[float], float]
"""Gives 1 if the output exceeded a size, 0 if not, how probable that is if it is not known."""


def issued(
    layers: Layers, group: str, values: Sequence[float], others: Sequence[float | None] = ()
) -> Issued:
    """
    Return what is said of a question, from what the static experts say in log tokens.

    Args:
        others: What further experts say, which nobody follows; None where one says nothing: what
            the rest make of it stands in its place, so that it neither gains nor loses by it.
    """
    own = layers.groups.get(group, _NO_GROUP)
    followed = [
        *(values[base] + offset for base, offset in zip(_ALL_BASES, layers.followers, strict=True)),
        values[BASE] + own[0],
        values[BASE] + own[1],
    ]
    experts = [math.exp(value) for value in (*values, *followed)]
    experts += _all_said(layers.experts, experts, others)
    mixture = mixed(layers.experts, experts)
    candidates = [mixture * math.exp(offset) for offset in layers.speeds]
    blended = mixed(layers.candidates, candidates)
    size = blended * math.exp(layers.held + own[-1])
    return Issued(experts, mixture, candidates, blended, size)


def taught(
    layers: Layers, group: str, now: Issued, then: Issued, tau: float, seen: int, missed: Missed
) -> Layers:
    """
    Return the layers after an outcome.

    Offsets are held against what would be said *now*, else they would wind up where outcomes
    come late; weights against what was said *then*, else those that follow fast would be judged
    by what they could not know.

    Args:
        seen: What was seen of the output, in tokens.
    """
    own = layers.groups.get(group, _NO_GROUP)
    offsets = (*layers.followers, *own, layers.held, *layers.speeds[1:])
    sizes = (*now.experts[STATIC:EXPERTS], now.size, now.size, *now.candidates[1:])
    log_seen, found = math.log(seen), []
    for offset, size, (step, most) in zip(offsets, sizes, _STEPS, strict=True):
        found.append(moved(offset, step, missed(size), tau, math.log(size) - log_seen, most))
    slope, slope_of_blend = 1 - tau - missed(then.mixture), 1 - tau - missed(then.blended)
    return Layers(
        experts=judged(layers.experts, then.experts, then.mixture, slope),
        candidates=judged(layers.candidates, then.candidates, then.blended, slope_of_blend),
        speeds=(0.0, *found[_HELD + 1 :]),
        followers=tuple(found[:_FOLLOWERS]),
        held=found[_HELD],
        groups=layers.groups.insert(group, tuple(found[_FOLLOWERS:_HELD])),
    )


def _all_said(
    weights: Weights, own: Sequence[float], others: Sequence[float | None]
) -> list[float]:
    """Return what the others say in tokens, with what all who speak make of it for the rest."""
    said = [None if value is None else math.exp(value) for value in others]
    if None not in said:
        return [one for one in said if one is not None]
    pairs = zip(weights.shares, (*own, *said), strict=True)
    speaking = [(share, one) for share, one in pairs if one is not None]
    whole = sum(share for share, _ in speaking)
    rest = sum(share * one for share, one in speaking) / whole if whole > 0 else own[BASE]
    return [rest if one is None else one for one in said]


_NO_GROUP: Final = (0.0,) * (len(_GROUP_STEPS) + 1)
_FOLLOWERS: Final = len(_ALL_STEPS)
_HELD: Final = _FOLLOWERS + len(_NO_GROUP)
"""Where what holds the coverage of all stands among the offsets, after the group's."""
_STEPS: Final = (
    *((step, _FOLLOWER_MOST) for step in (*_ALL_STEPS, *_GROUP_STEPS)),
    (HOLDING_OF_GROUP, LAYER_MOST),
    (HOLDING, LAYER_MOST),
    *((step, LAYER_MOST) for step in _SPEEDS[1:]),
)
"""The step of each offset, and how far it may go."""
