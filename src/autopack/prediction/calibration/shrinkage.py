"""A quantile calibrator of one tree: leaves leaning on parents."""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import attrs
from rpds import HashTrieMap

from autopack.errors import InvalidInputError
from autopack.ports.prediction import Features, Prediction, Proposal, Sample
from autopack.prediction.calibration.packed_samples import Seen
from autopack.prediction.calibration.quantile_groups import (
    Noted,
    Recent,
    group_of,
    noted_at,
    quantile_proposal,
)
from autopack.prediction.calibration.sliding_window import Window
from autopack.prediction.calibration.usable_samples import (
    identity_of,
    size_of,
    stratum,
    unfit_as_size,
)

DEFAULT_TOKENS: Final = 4096
"""What is predicted where nothing at all is known, in tokens."""

ANY_MODEL: Final = "any model"
"""Stands for every model, where categories are looked at across them."""

_DIGITS: Final = 6

Node = tuple[str | int, ...]
"""A place in the tree: stratum, model, category, complexity, log2 of the prompt; cut short."""
Leaf = tuple[str, str, str, str, int | None]
"""The same for a sample, in its own words."""


@attrs.frozen(kw_only=True)
class Tree:
    """The sizes seen at every node, the groups' newest pairs, and what names each sample."""

    nodes: "HashTrieMap[Node, Window]" = attrs.field(factory=HashTrieMap)
    recent: Recent = attrs.field(factory=Recent)
    seen: Seen = attrs.field(factory=Seen)


@attrs.frozen(kw_only=True)
class ShrinkageQuantile:
    """
    Predicts the size that an output does not exceed with probability tau.

    Sizes are kept in a tree: all, model, category, complexity, log2 of the prompt's size. A model
    that was not seen in the category yet, or is not named, is answered by all models' there. The
    quantile of a node and that of its parent are mixed in log tokens by n / (n + shrinkage), from
    the root, which leans on the estimator's own figure, down to the leaf. A truncated output
    counts as larger than what was seen of it; failed attempts have a tree of their own, which
    does not bear on predictions.

    Args:
        shrinkage: How many samples of its own make a node count as much as its parent. Ten is
            how many it takes until one is expected beyond a quantile at 0.9.
        window: How many of its newest samples a node keeps. 500 hold the standard error of the
            coverage at 0.9 to 1.3 points, and forget what is older.
        use_prompt: Whether the size of the prompt is looked at, where it is known.
        min_samples: Groups with fewer are shown as too small.
        estimator: Whose predictions stand beside the sizes in the proposal's groups.
        estimator_version: The version in use, named in the proposal.
        old: The multipliers in use; this calibrator leaves them as they are.

    Source: Vovk et al. (2005) for the order statistic, Kaplan and Meier (1958) for what was cut.
    """

    name = "shrinkage-quantile"
    shrinkage: float = 10.0
    window: int = 500
    use_prompt: bool = True
    min_samples: int = 5
    estimator: str = "deliverables"
    estimator_version: str | None = None
    old: Mapping[str, float] = attrs.Factory(dict)

    def __attrs_post_init__(self) -> None:
        """Refuse options that no prediction could be made with."""
        if not 0 <= self.shrinkage < math.inf:
            raise InvalidInputError(
                f"shrinkage is {self.shrinkage:g}; give 0 or more.",
                name="shrinkage",
                value=self.shrinkage,
            )
        if self.window < 1:
            raise InvalidInputError(
                f"window is {self.window}; give 1 or more.", name="window", value=self.window
            )

    def initial(self) -> Tree:
        """Return an empty tree."""
        return Tree()

    def set_aside(self, state: Tree, sample: Sample) -> str | None:
        """Return why the sample is not used, or None; a repeat comes last."""
        reason = unfit_as_size(sample)
        return "repeat" if reason is None and identity_of(sample) in state.seen else reason

    def update(self, state: Tree, sample: Sample) -> Tree:
        """Return the tree with the sample; *state* itself if it is set aside."""
        if self.set_aside(state, sample) is not None:
            return state
        size, identity = size_of(sample), identity_of(sample)
        nodes = state.nodes
        for node in _places(*self._leaf(sample)):
            nodes = nodes.insert(node, nodes.get(node, _EMPTY).with_size(size, self.window))
        return Tree(
            nodes=nodes,
            recent=state.recent.with_sample(sample, self.window),
            seen=state.seen.with_texts({identity}) if identity else state.seen,
        )

    def update_all(self, state: Tree, samples: Iterable[Sample]) -> tuple[Tree, Mapping[str, int]]:
        """Return the tree after all *samples*, and how many were set aside by reason."""
        fresh: set[str] = set()
        aside: dict[str, int] = {}
        sizes: dict[Node, deque[int]] = {}
        noted: Noted = {}
        kept: dict[Any, tuple[list[deque[int]], deque[tuple[int, int]]]] = {}
        known = state.seen if state.seen.layers else frozenset[str]()
        used = 0
        for sample in samples:
            reason = unfit_as_size(sample)
            identity = "" if reason else identity_of(sample)
            if identity in fresh or identity in known:
                reason = "repeat"
            if reason is not None:
                aside[reason] = aside.get(reason, 0) + 1
                continue
            if identity:
                fresh.add(identity)
            used += 1
            leaf = self._leaf(sample)
            places = kept.get(leaf)
            if places is None:
                places = kept[leaf] = (
                    [sizes.setdefault(node, deque(maxlen=self.window)) for node in _places(*leaf)],
                    noted_at(noted, sample, self.window),
                )
            size = size_of(sample)
            for one in places[0]:
                one.append(size)
            places[1].append((sample.predicted_output_tokens, abs(size)))
        if not used:
            return state, aside
        nodes = state.nodes
        for node, added in sizes.items():
            nodes = nodes.insert(node, nodes.get(node, _EMPTY).with_sizes(added, self.window))
        recent = state.recent.with_noted(noted, self.window, used=used)
        return Tree(nodes=nodes, recent=recent, seen=state.seen.with_texts(fresh)), aside

    def predict(self, state: Tree, features: Features, tau: float) -> Prediction:
        """Return the output size at quantile *tau*, and the nodes that it was mixed from."""
        given = features.predicted_output_tokens
        tokens, n, last = math.log(max(1, given or DEFAULT_TOKENS)), 0, None
        for node, window in self._known(state, features):
            n, last = len(window.order), node
            own = window.quantile(tau)
            size = math.log(window.largest if own is None else own)
            tokens += n / (n + self.shrinkage) * (size - tokens)
        basis = f"{n} samples of {named(last)}" if last else "no samples"
        # Rounded, so that a size that is always the same is not missed by the last bit.
        return Prediction(tokens=round(math.exp(tokens), _DIGITS), tau=tau, basis=basis)

    def propose(self, state: Tree) -> Proposal:
        """Return what the groups hold; the estimator's multipliers stay as they are."""
        return quantile_proposal(self, state.recent, self._settings())

    def _known(self, state: Tree, features: Features) -> Iterator[tuple[Node, Window]]:
        bits = _bits(features.prompt_tokens) if self.use_prompt else None
        model = features.model or ""
        category, _ = group_of(features.category, features.complexity)
        own, shared = ("succeeded", model, category), ("succeeded", ANY_MODEL, category)
        if own not in state.nodes and shared in state.nodes:
            model = ANY_MODEL
        for node in _path("succeeded", model, features.category, features.complexity, bits):
            window = state.nodes.get(node)
            if window is None:
                return
            yield node, window

    def _leaf(self, sample: Sample) -> Leaf:
        bits = _bits(sample.prompt_tokens) if self.use_prompt else None
        model = sample.asked_model or ""
        return stratum(sample), model, sample.category, sample.complexity, bits

    def _settings(self) -> dict[str, Any]:
        return {
            "shrinkage": self.shrinkage,
            "window": self.window,
            "use_prompt": self.use_prompt,
            "min_samples": self.min_samples,
            "estimator_version": self.estimator_version,
        }


def _bits(prompt_tokens: int | None) -> int | None:
    """Return log2 of a prompt's size, rounded up; None if it is not known."""
    return None if prompt_tokens is None or prompt_tokens < 0 else prompt_tokens.bit_length()


@lru_cache(maxsize=4096)
def _path(
    stratum: str, model: str, category: str, complexity: str, bits: int | None
) -> tuple[Node, ...]:
    """Return the nodes from the root to the leaf; of any model, the root stands for it."""
    leaf: Node = (stratum, model, *group_of(category, complexity))
    if bits is not None:
        leaf = (*leaf, bits)
    depths = (depth for depth in range(1, len(leaf) + 1) if model != ANY_MODEL or depth != 2)
    return tuple(leaf[:depth] for depth in depths)


@lru_cache(maxsize=4096)
def _places(
    stratum: str, model: str, category: str, complexity: str, bits: int | None
) -> tuple[Node, ...]:
    """Return all nodes that a sample belongs to: those of its model, and those of any."""
    own = _path(stratum, model, category, complexity, bits)
    return (*own, *_path(stratum, ANY_MODEL, category, complexity, bits)[1:])


@lru_cache(maxsize=4096)
def named(node: Node) -> str:
    """Return a node as people read it, without the stratum."""
    _, *rest = node
    words = [str(word) or "no model named" for word in rest[:3]]
    if len(rest) > 3:
        words.append(f"prompts under {2 ** int(rest[3])}")
    return "/".join(words) or "all"


_EMPTY: Final = Window()
