"""How much larger a budget becomes after its output was cut."""

from typing import Any, Final, Protocol

import attrs

from autopack.errors import InvalidInputError

CAP_TOKENS: Final = 64_000


class EscalationPolicy(Protocol):
    """Chooses the output budget after a truncated attempt: a pure function."""

    def escalated(self, phase: Any, *, selected: int, sent: int | None, used: int) -> int | None:
        """
        Return the next attempt's output budget in tokens, or None to leave it.

        Args:
            phase: The phase as it stands (``PhaseView``).
            selected: The budget that the attempt was given.
            sent: The largest ceiling that was sent to the model, where it was recorded.
            used: The largest output of a call.
        """


@attrs.frozen(kw_only=True)
class Factor:
    """A quarter more than the largest of what was selected, sent and used, up to a cap."""

    factor: float = 1.25
    cap_tokens: int = CAP_TOKENS

    def escalated(self, phase: Any, *, selected: int, sent: int | None, used: int) -> int | None:
        """Return the larger budget, or None where the cap leaves no more."""
        base = max(selected, sent or 0, used)
        larger = min(int(base * self.factor), self.cap_tokens)
        return larger if larger > selected else None


def escalation_of(wanted: Any) -> EscalationPolicy | None:
    """Return the policy that is meant: ``factor``, ``none``, or an object of one's own."""
    if wanted in (None, "none"):
        return None
    if wanted == "factor":
        return Factor()
    if not hasattr(wanted, "escalated"):
        raise InvalidInputError(
            f"{wanted!r} is no escalation policy: give 'factor', 'none', or an object with "
            "escalated(phase, selected=..., sent=..., used=...)."
        )
    policy: EscalationPolicy = wanted
    return policy
