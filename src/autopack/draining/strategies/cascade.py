"""Takes each phase to a cheap model first, and to the next one where that was too weak."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, cast

import attrs

from autopack.draining.strategies.fifo import fifo
from autopack.draining.strategies.priority import priority
from autopack.draining.strategies.triage import Triage
from autopack.ports.drain import (
    Ask,
    Choice,
    Choose,
    DrainView,
    GiveUp,
    PastAttempt,
    Retry,
    Strategy,
)
from autopack.ports.work import PhaseView

TOO_WEAK: Final = ("check_failed", "validation", "refused", "boundary", "truncated", "timed_out")
"""
What says that a model was too weak for a phase, and not that somebody or something else failed.

Classes of failures, and ``timed_out`` for a deadline that passed after at least one call. An output
that was cut once is tried again with a larger budget first, on the same model.
"""
_ORDERS: Final[Mapping[str, Strategy]] = MappingProxyType(
    {"fifo": fifo, "priority": priority, "triage": Triage()}
)
_SHOWN_CHARS: Final = 200


def next_model(
    models: Sequence[str], attempts: Sequence[PastAttempt], on: Sequence[str] = TOO_WEAK
) -> str | None:
    """
    Return the model for the next attempt; None if each of *models* was too weak.

    Attempts on models that are not among them, or come before in them, change nothing.

    Args:
        models: Cheap ones first; a model that stands there twice gets two tries.
        attempts: Those made so far, in order.
        on: What says that a model was too weak, as ``TOO_WEAK``.
    """
    place, cut = 0, set[str | None]()
    for one in attempts:
        if is_too_weak(one, on, was_cut=one.model in cut) and one.model in models[place:]:
            place = models.index(one.model, place) + 1
        if one.failure_class == "truncated":
            cut.add(one.model)
    return models[place] if place < len(models) else None


def is_too_weak(
    attempt: PastAttempt, on: Sequence[str] = TOO_WEAK, *, was_cut: bool = False
) -> bool:
    """
    Tell whether an attempt says that its model was too weak; a verdict on its work comes first.

    Args:
        was_cut: Whether an output of that model was cut before, at this phase.
    """
    if attempt.verdict is not None:
        return attempt.verdict == "wrong"
    if attempt.ending == "timed_out":
        return "timed_out" in on and attempt.calls > 0
    if attempt.failure_class == "truncated":
        return "truncated" in on and was_cut
    return attempt.ending == "failed" and attempt.failure_class in on


def _names(given: Any) -> tuple[str, ...]:
    parts = given.split(",") if isinstance(given, str) else given
    return tuple(one.strip() if isinstance(one, str) else one for one in parts)


def _check_names(_cascade: "Cascade", field: "attrs.Attribute[Any]", names: Any) -> None:
    if not names or not all(isinstance(one, str) and one for one in names):
        raise ValueError(f"{field.name} is {names!r}; give names, as small,large")


def _check_order(_cascade: "Cascade", _field: "attrs.Attribute[Any]", order: Any) -> None:
    if not (callable(order) or order in _ORDERS):
        raise ValueError(f"order is {order!r}; give one of {', '.join(_ORDERS)}, or a strategy")


@attrs.frozen(kw_only=True)
class Cascade:
    """
    Does each phase on the first of *models*, and on the next one where a model was too weak.

    A phase that names one of them begins there; one that names another model is done on that alone.
    What is nobody's fault, or the machine's, stays on the same model. Once the last one was too
    weak too, or no attempt is left for the next, the phase waits for a person, with what each
    failed of. A phase that is put back all the same goes on with the last.

    Args:
        models: Cheap ones first; a text has them with commas between.
        then: ``ask`` a person in the end, or ``fail``.
        on: What says that a model was too weak: classes of failures, and ``timed_out``.
        order: Which phase is next: ``fifo``, ``priority``, ``triage``, or a strategy.
    """

    name = "cascade"
    models: tuple[str, ...] = attrs.field(
        converter=_names, validator=_check_names, metadata={"example": "small,large"}
    )
    then: str = attrs.field(default="ask", validator=attrs.validators.in_(("ask", "fail")))
    on: tuple[str, ...] = attrs.field(default=TOO_WEAK, converter=_names, validator=_check_names)
    order: str | Strategy = attrs.field(default="fifo", validator=_check_order)

    @property
    def takes_failed(self) -> bool:
        """Whether the order takes failed phases too."""
        return bool(getattr(self._ordered, "takes_failed", False))

    def __call__(self, view: DrainView) -> Choice:
        """Choose the phase that is next by the order, on the model that is next for it."""
        choice = self._ordered(view)
        if not isinstance(choice, Choose | Retry) or choice.model is not None:
            return choice
        shelf = view.ready if isinstance(choice, Choose) else view.failed
        phase = _found(shelf, choice)
        if phase is None:
            return choice  # the drain says what is wrong with it
        model, why = self._model(phase, view)
        return attrs.evolve(choice, model=model, reason=f"{choice.reason}; {why}")

    def choice_for(self, phase: PhaseView, view: DrainView) -> Choose:
        """Return on which model a phase would be done now."""
        model, why = self._model(phase, view)
        return Choose(phase.ref, why, model=model)

    def after_failure(
        self, phase: PhaseView, attempts: Sequence[PastAttempt]
    ) -> Retry | Ask | GiveUp | None:
        """Say what comes after a model that was too weak: the next one, or the end."""
        chain, last = self._chain(phase), attempts[-1]
        was_cut = any(
            one.model == last.model and one.failure_class == "truncated" for one in attempts[:-1]
        )
        if not is_too_weak(last, self.on, was_cut=was_cut):
            return None
        following = next_model(chain, attempts, self.on)
        is_left = phase.attempts_spent + 1 < phase.max_attempts
        if following is not None and is_left:
            return Retry(phase.ref, f"{last.model} was too weak, {following} is next")
        untried = () if following is None else chain[chain.index(following) :]
        told = _told(attempts, untried, phase.max_attempts)
        return Ask(phase.ref, told) if self.then == "ask" else GiveUp(phase.ref, told)

    @property
    def _ordered(self) -> Callable[[DrainView], Choice]:
        return _ORDERS[self.order] if isinstance(self.order, str) else self.order

    def _chain(self, phase: PhaseView) -> tuple[str, ...]:
        if phase.model is None:
            return self.models
        if phase.model in self.models:
            return self.models[self.models.index(phase.model) :]
        return (phase.model,)

    def _model(self, phase: PhaseView, view: DrainView) -> tuple[str, str]:
        chain = self._chain(phase)
        if not phase.attempts:
            return chain[0], f"on {chain[0]}, the first of {len(chain)}"
        found = next_model(chain, view.attempts(phase.ref), self.on)
        if found is None:
            return chain[-1], f"on {chain[-1]} once more, the last of {len(chain)}"
        return found, f"on {found}, {chain.index(found) + 1} of {len(chain)}"


def _found(shelf: Sequence[PhaseView], choice: Choose | Retry) -> PhaseView | None:
    """Return the phase that was chosen; the first of them, in most cases."""
    key = str(choice.ref)
    if hasattr(shelf, "has"):
        return cast("PhaseView", shelf.row(key)) if shelf.has(key) else None  # type: ignore[attr-defined]
    return next((phase for phase in shelf if phase.key == key), None)


def _told(attempts: Sequence[PastAttempt], untried: Sequence[str], most: int) -> str:
    """Return what each model failed of, and which were not tried."""
    parts = [
        f"{one.model or 'no model'} (attempt {one.number}): {_why(one)}"
        for one in attempts
        if one.ending in ("failed", "timed_out", "completed")
    ]
    left = f" All {most} attempts are spent; not tried: {', '.join(untried)}." if untried else ""
    return f"No model has done it. {'; '.join(parts)}.{left}"


def _why(attempt: PastAttempt) -> str:
    said = " ".join((attempt.message or "").split())[:_SHOWN_CHARS].rstrip(".")
    word = attempt.reason_code or attempt.failure_class or attempt.ending or ""
    return f"{word}, {said}" if said else word
