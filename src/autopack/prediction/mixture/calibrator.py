"""The calibrator ``mixture``: it weighs many simple experts, and holds its coverage."""

import contextlib
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import attrs

from autopack.errors import InvalidInputError
from autopack.ports.calibrator_protocol import Calibrator
from autopack.ports.prediction import Features, Prediction, Proposal, Sample
from autopack.prediction.calibration.guarantees import Guarantee, in_words
from autopack.prediction.calibration.quantile_groups import quantile_proposal
from autopack.prediction.calibration.shrinkage import DEFAULT_TOKENS
from autopack.prediction.calibration.usable_samples import (
    identity_of,
    size_of,
    stratum,
    unfit_as_size,
)
from autopack.prediction.mixture.experts import BASE, ExpertAnswers, SeenSizes, learned, read
from autopack.prediction.mixture.knowledge import (
    Basis,
    Learned,
    LearnedAt,
    known_when_asked,
    nothing_learned,
)
from autopack.prediction.mixture.layers import Issued, Missed, issued, taught
from autopack.prediction.mixture.named_experts import (
    NO_WORDS,
    ExpertWords,
    learned_by_experts,
    said_by_experts,
)
from autopack.prediction.mixture.places import BRANCH, LEAF, WINDOWS, Path, Place, path_of
from autopack.prediction.mixture.same_work import (
    SameWorkAnswers,
    is_told,
    learned_work,
    said_by,
)
from autopack.prediction.mixture.tails import expected_miss
from autopack.prediction.mixture.tally import guaranteed, is_stopped

_DIGITS: Final = 6
_SAME: Final = 1e-3
"""A size this near to the leaf's quantile, which was seen, is that one."""
_CONSTANT: Final = 0.1
"""How near it has to be where the newest outputs were all of one size."""
_FEWEST_ALIKE: Final = 10
_KEPT: Final = 64
"""How many outcomes back it is known what was said: more are hardly ever late."""
_SLIP: Final = 1e-9
_LEAST: Final = 0.5 * 10**-_DIGITS
"""What is nearer than that is said to be the same, since answers are rounded."""
_FARTHEST: Final = 8
"""How many times the largest size seen is said at most."""


class WeighedAnswer(NamedTuple):
    """
    What is said of one question.

    Args:
        work: What the same work says; None where none was done before.
        is_of_work: Whether that was looked at.
        named: What the experts say that are named beside its own.
    """

    reading: ExpertAnswers
    work: SameWorkAnswers | None
    is_of_work: bool
    issued: Issued
    named: ExpertWords = NO_WORDS


@attrs.frozen
class Asked:
    """
    What a question is answered by: where it belongs, its prompt, the estimator's figure.

    Args:
        features: What further experts are asked, if there are any: what a sample's question tells.
    """

    path: Path
    prompt_tokens: int | None
    estimate: int | None
    tasks: tuple[str, ...]
    features: Features | None = None

    @property
    def start(self) -> float:
        """The logarithm of what is said where nothing is known."""
        return math.log(max(1, self.estimate or DEFAULT_TOKENS))


def _calibrators(given: Any) -> tuple[Calibrator[Any], ...]:
    if isinstance(given, str):
        raise InvalidInputError(
            f"experts is {given!r}; give calibrators, or name the mixture with them: "
            f"'mixture:experts={given}'.",
            name="experts",
            value=given,
        )
    return tuple(given)


@attrs.frozen(kw_only=True)
class Mixture:
    """
    Predicts the size that an output does not exceed with probability tau, in all weathers.

    Many simple experts say a size: quantiles along a tree (all, model, category, complexity, the
    prompt from octaves to sixteenths of one) over long, middling and short stretches, with and
    without the model; means and lines in the prompt's size; what the same work was off from these
    before, where it was done; and followers that each miss raises.
    They are weighed by their pinball loss. What comes out is followed at several speeds, weighed
    again, and at last moved by a small step after each outcome, for all and by model and
    category, so that the share covered stays at tau.

    For the T outcomes that it was held against, the share of misses is at most
    ``1 - tau + last offset / (step T)``, whatever the outputs were, where each is learned before
    the next prediction: :meth:`guarantees` says it, and what it lacks.

    Another quantile than tau is read from the same experts with the same weights.

    Further experts may be named: calibrators that are shown the same samples and weighed with
    the rest. One that raises, or whose answer is no size, says nothing for as long as that lasts,
    and the basis of the prediction names it.

    Args:
        tau: The share of outputs that predictions are to hold.
        use_prompt: Whether the size of the prompt is looked at, where it is known.
        experts: Calibrators that are asked beside its own; by name ``"boost"``, ``"a+b"``.
        min_samples: Groups with fewer are shown as too small.
        estimator: Whose predictions stand beside the sizes in the proposal's groups.
        estimator_version: The version in use, named in the proposal.
        old: The multipliers in use; this calibrator leaves them as they are.

    Source: Wintenberger (2017) for the weights, Gibbs and Candes (2021) and Angelopoulos et al.
    (2023) for what holds the coverage, Kaplan and Meier (1958) for what was cut off.
    """

    name = "mixture"
    tau: float = 0.9
    use_prompt: bool = True
    experts: Sequence[Calibrator[Any]] = attrs.field(default=(), converter=_calibrators)
    min_samples: int = 5
    estimator: str = "deliverables"
    estimator_version: str | None = None
    old: Mapping[str, float] = attrs.Factory(dict)
    _said_of: "OrderedDict[tuple[int, Asked], tuple[Basis, WeighedAnswer]]" = attrs.field(
        init=False, eq=False, repr=False, factory=OrderedDict
    )

    def __attrs_post_init__(self) -> None:
        """Refuse a tau that is no share."""
        if not 0 < self.tau < 1:
            raise InvalidInputError(
                f"tau is {self.tau:g}; give between 0 and 1.", name="tau", value=self.tau
            )

    def initial(self) -> Learned:
        """Return what is known before any sample: nothing."""
        return nothing_learned(self.experts)

    def set_aside(self, state: Learned, sample: Sample) -> str | None:
        """Return why the sample is not used, or None; a repeat comes last."""
        reason = unfit_as_size(sample)
        return "repeat" if reason is None and identity_of(sample) in state.seen else reason

    def update(self, state: Learned, sample: Sample) -> Learned:
        """Return what is known with the sample; *state* itself if it is set aside."""
        if self.set_aside(state, sample) is not None:
            return state
        identity = identity_of(sample)
        recent = state.recent.with_sample(sample, WINDOWS[0])
        seen = state.seen.with_texts({identity}) if identity else state.seen
        if stratum(sample) == "failed":
            return Learned(state.basis, state.before, state.reach, state.tally, recent, seen)
        basis = state.basis
        asked, size = self._asked(sample.question()), size_of(sample)
        now = self._said(basis, asked, state.reach)
        at_that_time, is_late = known_when_asked(state, sample)
        then = now if at_that_time is basis else self._said(at_that_time, asked, state.reach)
        if then.is_of_work is not now.is_of_work:
            now = self._answer(basis, asked, self.tau, is_of_work=then.is_of_work)
            then = then if now.is_of_work is then.is_of_work else now
        learned_now = self._learned(basis, asked, size, now, then.issued)
        if self.experts:
            named = learned_by_experts(self.experts, basis.named, sample)
            learned_now = learned_now._replace(named=named)
        reach = min(_KEPT, 2 * state.reach) if is_late else state.reach
        before = (*state.before, LearnedAt(sample.log, sample.ended_position, basis))[-reach:]
        layers = learned_now.layers_of_work if now.is_of_work else learned_now.layers
        tally = state.tally.with_outcome(
            round(now.issued.size, _DIGITS),
            size,
            is_late=at_that_time is not basis,
            is_stopped=is_stopped(layers),
        )
        return Learned(learned_now, before, reach, tally, recent, seen)

    def predict(self, state: Learned, features: Features, tau: float) -> Prediction:
        """Return the output size at quantile *tau*, and how many samples are near to it."""
        asked = self._asked(features)
        basis = state.basis
        place = _nearest(basis.known, asked.path)
        if place is None:
            tokens = round(math.exp(asked.start), _DIGITS)
            return Prediction(tokens=tokens, tau=tau, basis="no samples")
        said = self._said(basis, asked, state.reach)
        tokens = tracked = said.issued.size
        if tau != self.tau:
            said = self._answer(basis, asked, tau)
            other = said.issued.size
            tokens = max(other, tracked) if tau > self.tau else min(other, tracked)
        n = len(place.order)
        near = f"{n} sample{'s' if n != 1 else ''} like it"
        told_by = "; ".join((near, *said.named.faults))
        return Prediction(
            tokens=round(tokens, _DIGITS), tau=tau, basis=told_by, left_out=said.named.faults
        )

    def guarantees(self, state: Learned) -> tuple[Guarantee, ...]:
        """Return what holds of the share of misses; nothing before any outcome."""
        if not state.tally.rows:
            return ()
        layers = (state.basis.layers, state.basis.layers_of_work)
        return (guaranteed(state.tally, layers, self.tau),)

    def propose(self, state: Learned) -> Proposal:
        """Return what the groups hold and is guaranteed; no multiplier changes."""
        told = [in_words(one) for one in self.guarantees(state)]
        return quantile_proposal(self, state.recent, {**self._settings(), "guarantees": told})

    def _asked(self, features: Features) -> Asked:
        prompt = features.prompt_tokens if self.use_prompt else None
        path = path_of(features.model or "", features.category, features.complexity, prompt)
        estimate, tasks = features.predicted_output_tokens, features.tasks
        if not self.experts:
            return Asked(path, prompt, estimate, tasks)
        question = Features(
            category=features.category,
            complexity=features.complexity,
            model=features.model,
            prompt_tokens=prompt,
            predicted_output_tokens=estimate,
            tasks=tasks,
        )
        return Asked(path, prompt, estimate, tasks, question)

    def _learned(
        self, basis: Basis, asked: Asked, size: int, now: WeighedAnswer, then: Issued
    ) -> Basis:
        path, means = asked.path, now.reading.means
        missed = _missed_by(_nearest(basis.known, path), size)
        layers = basis.layers_of_work if now.is_of_work else basis.layers
        layers = taught(layers, path.group, now.issued, then, self.tau, abs(size), missed)
        known = learned(basis.known, path, asked.prompt_tokens, size, now.reading)
        work = learned_work(basis.work, asked.tasks, path.category, size, means, now.work)
        if now.is_of_work:
            return Basis(known, basis.layers, work, layers)
        return Basis(known, layers, work, basis.layers_of_work)

    def _said(self, basis: Basis, asked: Asked, reach: int) -> WeighedAnswer:
        """
        Return what is said at tau; what was said last is kept, since it is learned from next.

        Args:
            reach: How many outcomes may come before that of a question.
        """
        key = (id(basis), asked)
        of, found = self._said_of.get(key, (None, None))
        if found is not None and of is basis:
            return found
        found = self._answer(basis, asked, self.tau)
        while len(self._said_of) > reach:
            with contextlib.suppress(KeyError):
                self._said_of.popitem(last=False)
        self._said_of[key] = (basis, found)
        return found

    def _answer(
        self, basis: Basis, asked: Asked, tau: float, *, is_of_work: bool | None = None
    ) -> WeighedAnswer:
        """
        Return what the experts say at *tau*, and what the layers make of it.

        Args:
            is_of_work: Whether the same work is looked at; by itself where there is enough of it.
        """
        known, path = basis.known, asked.path
        reading = read(known, path, asked.prompt_tokens, tau, asked.start)
        named = NO_WORDS
        if asked.features is not None:
            usual = reading.values[BASE]
            named = said_by_experts(self.experts, basis.named, asked.features, tau, usual)
        work = said_by(basis.work, asked.tasks, path.category, reading.means, tau)
        if is_of_work is None or work is None:
            is_of_work = work is not None and is_told(basis.work)
        if is_of_work and work is not None:
            others = (*work.values, *named.values)
            found = issued(basis.layers_of_work, path.group, reading.values, others)
        else:
            found = issued(basis.layers, path.group, reading.values, named.values)
        place = _nearest(known, path)
        if place is not None:
            size = max(1.0, min(found.size, _FARTHEST * place.largest))
            size = _as_seen(size, place, math.exp(reading.values[BASE]))
            found = found._replace(size=size)
        return WeighedAnswer(reading, work, is_of_work, found, named)

    def _settings(self) -> dict[str, Any]:
        named = {"experts": [expert.name for expert in self.experts]} if self.experts else {}
        return {
            "tau": self.tau,
            "use_prompt": self.use_prompt,
            **named,
            "min_samples": self.min_samples,
            "estimator_version": self.estimator_version,
        }


def _as_seen(size: float, place: Place, usual: float) -> float:
    """Return a size that was seen, where *size* is hardly another; rounded, so that it is met."""
    exact, cut = place.short
    if len(exact) >= _FEWEST_ALIKE and exact[0] == exact[-1] and not cut:
        if abs(size - exact[0]) <= _CONSTANT * exact[0]:
            return float(exact[0])
    elif abs(size - usual) <= _SAME * usual:
        size = usual
    return round(size, _DIGITS)


def _nearest(known: SeenSizes, path: Path) -> Place | None:
    """Return what is known where a question belongs, or nearest above it, prompts aside."""
    for depth in (LEAF, BRANCH, BRANCH - 1, 0):
        place = known.places.get(path.own[depth])
        if place is not None:
            return place
    return None


def _missed_by(place: Place | None, size: int) -> Missed:
    """Return what tells of a predicted size whether an output missed it, or how probably."""
    if size > 0:
        return lambda predicted: float(size > predicted + min(_SLIP * predicted, _LEAST))
    if place is None:
        return lambda predicted: 1.0
    exact, cut = place.long
    return lambda predicted: expected_miss(exact, cut, -size, predicted)
