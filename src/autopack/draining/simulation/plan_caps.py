"""The room that caps leave as a plan goes on: set aside and settled in memory alone."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from autopack.aggregates import cap
from autopack.aggregates.cap import Amount, CapState
from autopack.draining.caps.enforcement import Caps
from autopack.draining.caps.reservations import Wanted
from autopack.errors import CapFullError, CapReachedError, PriceUnknownError
from autopack.ports.prediction import Estimate
from autopack.ports.work import PhaseView
from autopack.values.money import ZERO


class PlanCaps:
    """
    Takes planned phases under the caps that would bind them; nothing is written.

    Each uses what attempts like it used, where enough of the log told it under such a cap; else
    what is predicted: its prompt, where that is known, and its output.

    Args:
        drain: The caps of the drain, as they would stand when it begins.
    """

    def __init__(
        self, caps: Caps, drain: Mapping[str, CapState], *, allow_unknown_price: bool
    ) -> None:
        self._caps, self._drain = caps, drain
        self._allow_unknown_price = allow_unknown_price
        self._states: dict[str, CapState] = {}
        self._known: dict[Any, tuple[Wanted, Amount]] = {}

    def take(
        self, phase: PhaseView, estimate: Estimate
    ) -> CapFullError | PriceUnknownError | CapReachedError | None:
        """Take a phase, or return why it does not fit under a cap, or would be stopped at one."""
        states = {scope: self._state(scope, of) for scope, of in self._caps.foreseen(phase).items()}
        states |= {scope: self._states.setdefault(scope, one) for scope, one in self._drain.items()}
        wanted, used = self._sizes(phase, estimate, states.values())
        is_priced = wanted.usd is not None or self._allow_unknown_price
        asked = Amount(wanted.tokens, wanted.usd or ZERO, attempts=1)
        try:
            for scope, state in states.items():
                cap.check_room(scope, asked, state, is_priced=is_priced)
        except (CapFullError, PriceUnknownError) as refusal:
            return refusal
        for scope, state in states.items():
            self._states[scope] = attrs.evolve(state, spent=state.spent + used)
        return next(filter(None, (self._above(scope) for scope in states)), None)

    def _sizes(
        self, phase: PhaseView, estimate: Estimate, states: Iterable[CapState]
    ) -> tuple[Wanted, Amount]:
        """Return what a phase sets aside and uses; once for all that are estimated as one."""
        key = estimate.features, phase.model, phase.prompt_tokens, estimate.budget_tokens
        if key not in self._known:
            units = {unit for state in states for unit in state.caps}
            wanted = self._caps.reservations.wanted(phase, estimate, units=units)
            tokens = phase.prompt_tokens or 0, estimate.predicted_output_tokens
            usd = self._caps.prices.ahead(
                phase.model, input_tokens=tokens[0], output_tokens=tokens[1], by_log="usd" in units
            )
            reckoned = sum(tokens), usd or wanted.usd or ZERO
            known = self._caps.reservations.expected(phase, estimate, units=units)
            used = Amount(
                reckoned[0] if known[0] is None else known[0],
                reckoned[1] if known[1] is None else known[1],
                attempts=1,
            )
            self._known[key] = wanted, used
        return self._known[key]

    def _state(self, scope: str, of: Callable[[], CapState]) -> CapState:
        if scope not in self._states:
            self._states[scope] = of()
        return self._states[scope]

    def _above(self, scope: str) -> CapReachedError | None:
        """Return what stops a phase that was let in as the first, and uses more than there is."""
        state = self._states[scope]
        for unit in ("tokens", "usd"):
            there, most = state.spent.of(unit), state.caps.get(unit)
            if most is not None and there > most:
                return CapReachedError(scope, unit=unit, used=there, cap=most)
        return None
