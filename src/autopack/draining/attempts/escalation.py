"""How much larger a budget becomes after its output was cut."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, TypeAlias

import attrs

from autopack.errors import InvalidInputError
from autopack.ports.prediction import Prediction
from autopack.ports.work import PhaseView
from autopack.prediction.estimation.budgets import CAP_TOKENS

_HALVINGS: Final = 8

Quantile = Callable[[float], Prediction]
"""What a calibrator says of the phase at a quantile."""


@attrs.frozen
class Escalation:
    """The output budget of the next attempt, in tokens, and why it is that."""

    tokens: int
    why: str


class EscalationPolicy(Protocol):
    """Chooses the output budget after a truncated attempt: a pure function."""

    def escalated(
        self, phase: PhaseView, *, selected: int, sent: int | None, used: int, quantile: Quantile
    ) -> Escalation | None:
        """
        Return the next attempt's output budget, or None to leave it.

        Args:
            phase: The phase as it stands.
            selected: The budget that the attempt was given, in tokens.
            sent: The largest ceiling that was sent to the model, where it was recorded.
            used: The largest output of a call.
            quantile: What a calibrator says of the phase's output at a quantile.
        """


@attrs.frozen(kw_only=True)
class Factor:
    """A quarter more than the largest of what was selected, sent and used, up to a cap."""

    factor: float = 1.25
    cap_tokens: int = CAP_TOKENS

    def escalated(
        self, phase: PhaseView, *, selected: int, sent: int | None, used: int, quantile: Quantile
    ) -> Escalation | None:
        """Return the larger budget, or None where the cap leaves no more."""
        base = max(selected, sent or 0, used)
        larger = min(int(base * self.factor), self.cap_tokens)
        why = f"{self.factor:g} times the {base} tokens that were given or used"
        return Escalation(larger, why) if larger > selected else None


@attrs.frozen(kw_only=True)
class NextQuantile:
    """
    What holds nine in ten of those outputs that go beyond the cut, by the calibrator.

    With F the share of outputs that end before the cut, that is its quantile at 1 - (1 - F) / 10.
    It is never less than *least* would give: an escalation comes once, so one that is too small
    loses the phase, and tokens that are allowed but not written cost nothing.
    """

    hold: float = 0.9
    least: EscalationPolicy = attrs.Factory(Factor)
    cap_tokens: int = CAP_TOKENS

    def escalated(
        self, phase: PhaseView, *, selected: int, sent: int | None, used: int, quantile: Quantile
    ) -> Escalation | None:
        """Return the larger budget, or None where the cap leaves no more."""
        cut = max(selected, sent or 0, used)
        least = self.least.escalated(
            phase, selected=selected, sent=sent, used=used, quantile=quantile
        )
        tau = 1 - (1 - share_below(cut, quantile)) * (1 - self.hold)
        said = quantile(tau)
        tokens = min(int(said.tokens), self.cap_tokens)
        if least is None or tokens >= least.tokens:
            why = f"the calibrator's quantile at {tau:.4g}, {said.basis}"
            return Escalation(tokens, why) if tokens > selected else least
        less = f"the calibrator's quantile at {tau:.4g} is {max(tokens, 0)}, {said.basis}"
        return Escalation(least.tokens, f"{least.why}; {less}")


EscalationLike: TypeAlias = Literal["quantile", "factor", "none"] | EscalationPolicy | None
"""A policy by name, or one of your own; None is none."""


def checked(given: Any) -> Escalation:
    """
    Return what a policy answered, if a budget can be that.

    Raises:
        InvalidInputError: It is no escalation, or its tokens or reason cannot be.
    """
    is_one = isinstance(given, Escalation) and isinstance(given.why, str)
    if is_one and isinstance(given.tokens, int) and given.tokens > 0:
        found: Escalation = given
        return found
    raise InvalidInputError(
        f"It answered with {given!r}; it must return autopack.Escalation(tokens, why), with a "
        "whole number above 0 and a text, or None.",
        name="escalation",
        value=given,
    )


def share_below(tokens: int, quantile: Quantile) -> float:
    """Return the largest share of outputs that a calibrator expects to end by so many tokens."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if quantile(middle).tokens <= tokens else (low, middle)
    return low


ESCALATIONS: Final[Mapping[str, EscalationPolicy | None]] = MappingProxyType(
    {"quantile": NextQuantile(), "factor": Factor(), "none": None}
)


def escalation_of(wanted: Any) -> EscalationPolicy | None:
    """Return the policy meant: ``quantile``, ``factor``, ``none``, or an object of one's own."""
    if wanted is None:
        return None
    if isinstance(wanted, str) and wanted in ESCALATIONS:
        return ESCALATIONS[wanted]
    if isinstance(wanted, type) or not hasattr(wanted, "escalated"):
        raise InvalidInputError(
            f"{wanted!r} is no escalation policy: give 'quantile', 'factor', 'none', or an object "
            "with escalated(phase, selected=..., sent=..., used=..., quantile=...).",
            name="escalation",
            value=wanted,
        )
    policy: EscalationPolicy = wanted
    return policy
