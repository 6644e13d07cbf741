"""Estimators, samples and proposals: how large the next output will be, and was."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import attrs

from autopack.errors import InvalidInputError
from autopack.errors.base import told
from autopack.ports.check_specs import Checks, named_checks
from autopack.ports.figures import check_figures
from autopack.ports.measures import Expected
from autopack.ports.requirements import Resources, checked_resources
from autopack.values.ids import phase_id
from autopack.values.money import Usd, UsdLike


def _texts(given: str | Sequence[str]) -> tuple[str, ...]:
    is_many = isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping)
    texts: tuple[Any, ...] = tuple(given) if is_many else (given,)
    for text in texts:
        if not isinstance(text, str):
            raise InvalidInputError(
                f"{told(text)} must be a string: name what is to be written.",
                name="deliverables",
                value=text,
            )
    return texts


def _resources(given: Resources | None) -> Mapping[str, Any]:
    return checked_resources(given or {}, name="requires")


def _usd(given: UsdLike | None) -> Usd | None:
    try:
        return None if given is None else Usd.of(given)
    except InvalidInputError as fault:
        raise InvalidInputError(f"max_usd: {fault}", name="max_usd", value=given) from fault


@attrs.frozen
class PhaseSpec:
    """
    A phase as a user asks for it; nothing but its id is compulsory.

    Args:
        id: Unique within the run.
        category: ``implementation``, ``tests``, ``docs``, ... any word; estimates group by it.
        complexity: ``low``, ``medium`` or ``high``, or a word for one; others count as medium.
        deliverables: What is to be written, usually paths.
        after: Phases of the same run that must be complete or skipped first.
        touches: Patterns of the files that it will change (``src/parser/**``); two phases of a run
            whose patterns can meet are not in work at once.
        requires: What whoever works at it must offer: amounts and words by name, as
            ``{"gpu": 1, "label": "eu"}``.
        timeout_s: Seconds after which an attempt is ended; above 0.
        max_attempts: Attempts before the phase is left FAILED; at least 1.
        prompt_tokens: Size of the prompt, where it is known before the call.
        max_tokens, max_usd: Caps: the most that its attempts may use, in total tokens and in USD.
        check: What its work is judged by: a program's arguments, a registered name, a table, or a
            list of several; an empty list is nothing, whatever its run says.

    Raises:
        InvalidNameError: The id cannot be one.
        InvalidInputError: A figure is out of range.
    """

    id: str = attrs.field(converter=phase_id)
    category: str = attrs.field(default="uncategorised", kw_only=True)
    complexity: str = attrs.field(default="medium", kw_only=True)
    deliverables: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    goal: str | None = attrs.field(default=None, kw_only=True)
    payload: Any = attrs.field(default=None, kw_only=True)
    inputs: Mapping[str, str] | None = attrs.field(default=None, kw_only=True)
    model: str | None = attrs.field(default=None, kw_only=True)
    tier: str | None = attrs.field(default=None, kw_only=True)
    priority: int = attrs.field(default=0, kw_only=True)
    after: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    touches: tuple[str, ...] = attrs.field(default=(), kw_only=True, converter=_texts)
    requires: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True, converter=_resources)
    timeout_s: float | None = attrs.field(default=None, kw_only=True)
    max_attempts: int = attrs.field(default=3, kw_only=True)
    prompt_tokens: int | None = attrs.field(default=None, kw_only=True)
    max_tokens: int | None = attrs.field(default=None, kw_only=True)
    max_usd: Usd | None = attrs.field(default=None, kw_only=True, converter=_usd)
    labels: Mapping[str, str] | None = attrs.field(default=None, kw_only=True)
    check: Checks | None = attrs.field(default=None, kw_only=True, converter=named_checks)

    def __attrs_post_init__(self) -> None:
        """Refuse figures that no phase can have."""
        check_figures(self)


@attrs.frozen(kw_only=True)
class Features:
    """
    What an estimator knows of a phase, recorded with the estimate.

    Args:
        category: In the words of ``estimation.vocabulary``; evidence is grouped by it.
        complexity: Likewise.
        deliverables: What is to be written, as it was named.
        files: One (kind, is_new, complexity_factor) a deliverable; kind is backend, frontend,
            test, doc, config or sql, the factor 1.0 for a new file and 0.5 to 2.0 for one that
            was looked at. Without it an estimator goes by the names alone.
        ledger: Whether a deliverable is a running record (a changelog, a history).
        context_texts: How many texts the phase is given to read.
        goal_words: What the goal asks for, from a fixed list (``api_reference``, ``examples``,
            ``research``, ``usage_guide``); the goal itself is never copied.
        predicted_output_tokens: What the estimator says, where a calibrator is asked; an
            estimator is not told.
        tasks: Names of the same work, the most general first: attempts that have one in common
            did the same.
    """

    category: str
    complexity: str
    deliverables: tuple[str, ...] = ()
    files: tuple[tuple[str, bool, float], ...] = ()
    ledger: bool = False
    model: str | None = None
    prompt_tokens: int | None = None
    context_texts: int = 0
    goal_words: tuple[str, ...] = ()
    predicted_output_tokens: int | None = None
    tasks: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Part:
    """One line of an estimate's explanation; the parts add up to the prediction."""

    name: str
    tokens: float
    why: str


@attrs.frozen(kw_only=True)
class Estimate:
    """
    A predicted output size in tokens, the budget that follows, and how they were reached.

    Args:
        confidence: 0 to 1: how much the estimator could make of the features.
        ceiling_tokens: What no budget for the attempt may exceed, escalated or not.
        budget_basis: Where the budget comes from, in words: the prediction and its buffer, a
            floor, the ceiling, a calibrator's quantile, or an escalation.
        tau: The share of outputs that the budget is meant to hold; None if it aims at none.
        takes: What the phase takes in another measure, where that was asked for.
    """

    estimator: str
    estimator_version: str
    predicted_output_tokens: int
    budget_tokens: int
    confidence: float
    features: Features
    parts: tuple[Part, ...] = ()
    ceiling_tokens: int | None = None
    budget_basis: str = ""
    tau: float | None = None
    takes: Expected | None = None

    def asked(self) -> Features:
        """Return what a calibrator is asked: the features, with the prediction beside them."""
        return attrs.evolve(self.features, predicted_output_tokens=self.predicted_output_tokens)


@attrs.frozen(kw_only=True)
class Coefficients:
    """What an estimator was taught: multipliers by ``category/complexity``, under a version."""

    estimator: str
    version: str
    multipliers: Mapping[str, float] = attrs.Factory(dict)


class Estimator(Protocol):
    """
    Predicts output tokens: a pure function of features and coefficients.

    The multiplier of the features' ``category/complexity`` scales the whole prediction, since
    calibrators fit it to whole predictions; the budget holds the prediction, or is the ceiling.
    """

    @property
    def name(self) -> str:
        """The name it is registered under, and that of its stream."""

    @property
    def base_version(self) -> str:
        """The version of its predictions before any calibration."""

    def estimate(self, features: Features, coefficients: Coefficients) -> Estimate:
        """Return the prediction and its parts."""


EstimatorLike: TypeAlias = str | Estimator
"""A registered name, ``file.py:name``, or an estimator."""


@attrs.frozen(kw_only=True)
class Sample:
    """
    One attempt: a prediction met by a measurement.

    Args:
        log: The log it was read from; with *position* it names the evidence.
        position: That of the estimate, or of the imported pair.
        actual_output_tokens: Summed output of the attempt's builder calls, or where another measure
            is predicted what a phase took, as a whole number; None if that is not known.
        split: measured, or the weakest of its calls' splits.
        success: How the attempt ended; None if it did not end by itself.
        late_calls: Calls recorded after the lease was lost; they are not in the sum.
        is_imported: Whether a source gave prediction and measurement as one fact.
        source_category: The category in the source's own words, where they differ in kind.
        ended_position: Where the attempt's end stands in the log; None for an imported pair.
        is_superseded: Whether the output was cut off and a later attempt of the phase went as
            far: the phase is one observation, and the later attempt is it.
        total_tokens, cost_usd, calls: What all its calls used; None if one did not tell it.
    """

    log: str = ""
    position: int
    run_id: str | None
    phase_id: str | None
    attempt: int | None
    category: str
    complexity: str
    predicted_output_tokens: int
    actual_output_tokens: int | None
    budget_tokens: int | None = None
    ceiling_tokens: int | None = None
    estimator: str | None = None
    estimator_version: str | None = None
    success: bool | None = None
    truncated: bool = False
    split: str = "measured"
    late_calls: int = 0
    model: str | None = None
    deliverables: int | None = None
    is_test: bool = False
    is_imported: bool = False
    source_category: str | None = None
    features: Mapping[str, Any] = attrs.Factory(dict)
    ended_position: int | None = None
    is_superseded: bool = False
    total_tokens: int | None = None
    cost_usd: Usd | None = None
    calls: int | None = None

    @property
    def prompt_tokens(self) -> int | None:
        """The size of the prompt, where the features tell it."""
        tokens = self.features.get("prompt_tokens")
        return tokens if isinstance(tokens, int) else None

    @property
    def asked_model(self) -> str | None:
        """The model as it was named before the call, by which a next prediction is asked for."""
        model = self.features.get("model", self.model)
        return model if isinstance(model, str) else None

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the same work, as :class:`Features` has them; none where they were not kept."""
        names = self.features.get("tasks")
        if not isinstance(names, list | tuple):
            return ()
        return tuple(name for name in names if isinstance(name, str))

    def question(self) -> Features:
        """Return what was known of the attempt before it: what a calibrator may be asked."""
        return Features(
            category=self.category,
            complexity=self.complexity,
            model=self.asked_model,
            prompt_tokens=self.prompt_tokens,
            predicted_output_tokens=self.predicted_output_tokens or None,
            tasks=self.tasks,
        )


@attrs.frozen(kw_only=True)
class Prediction:
    """
    What a calibrator predicts: an output size at quantile *tau*, in tokens.

    Args:
        left_out: Experts that it was made without, each with why; the basis names them too.
    """

    tokens: float
    tau: float
    basis: str
    left_out: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Group:
    """
    The evidence of one group: sizes in tokens, ratio = actual / estimated.

    Args:
        proposed_multiplier: What the estimator's figure would be multiplied by in all, that is
            with what it was taught before.
        is_high_confidence: Whether it passes every gate, so that its multiplier is proposed.
        note: What keeps it from that, or sets it apart; empty if nothing does.
        ratio_low, ratio_high: An interval for the median ratio, where the calibrator gives one and
            there are samples enough.
    """

    category: str
    complexity: str
    n: int
    mean_actual: float
    mean_estimated: float
    median_ratio: float
    confidence: float
    proposed_multiplier: float
    is_high_confidence: bool
    note: str = ""
    ratio_low: float | None = None
    ratio_high: float | None = None


@attrs.frozen(kw_only=True)
class Proposal:
    """
    A calibration that is not yet applied, with all it was drawn from.

    Args:
        base_version: The version whose predictions are the evidence.
        new_version: The version under which *new* would be used; *base_version* if nothing
            changes.
        old: All multipliers by ``category/complexity`` as they are.
        new: All of them as they would be.
        logs: What was read of which log.
        note: Why nothing is proposed, where the groups alone do not say it.
        expected: How the estimator's errors on the evidence would have been, with each part of
            it judged by what the parts before it speak for; None if that was not looked at.
    """

    calibrator: str
    estimator: str
    base_version: str
    new_version: str
    samples_used: int
    samples_set_aside: Mapping[str, int] = attrs.Factory(dict)
    groups: tuple[Group, ...] = ()
    old: Mapping[str, float] = attrs.Factory(dict)
    new: Mapping[str, float] = attrs.Factory(dict)
    settings: Mapping[str, Any] = attrs.Factory(dict)
    logs: tuple[Mapping[str, Any], ...] = ()
    note: str = ""
    expected: Mapping[str, Any] | None = None

    @property
    def is_change(self) -> bool:
        """Whether applying it would give the estimator other multipliers."""
        return dict(self.new) != dict(self.old)

    @property
    def high_confidence(self) -> int:
        """How many groups pass every gate."""
        return sum(group.is_high_confidence for group in self.groups)
