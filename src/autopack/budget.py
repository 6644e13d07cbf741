"""A cap and what is set aside under it, decided from the cap's own stream."""

from collections.abc import Iterable

import attrs
from rpds import HashTrieMap

from autopack.commands import BudgetCommand, ReserveBudget, SetBudget, SettleBudget
from autopack.errors import CapFullError, InvalidInputError, PriceUnknownError
from autopack.events import BudgetEvent, BudgetReserved, BudgetSet, BudgetSettled


@attrs.frozen
class Amount:
    """Total tokens, and USD; what is not known adds nothing."""

    tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.tokens + other.tokens, self.usd + other.usd)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.tokens - other.tokens, self.usd - other.usd)


@attrs.frozen(kw_only=True)
class BudgetState:
    """
    What a cap's stream says.

    Args:
        max_tokens, max_usd: The caps; None is none.
        reserved: What attempts in work set aside, summed; ``held`` has it by lease token.
        spent: What attempts that ended have used, summed; ``settled`` has it by lease token.
    """

    max_tokens: int | None = None
    max_usd: float | None = None
    reserved: Amount = Amount()
    spent: Amount = Amount()
    held: "HashTrieMap[str, Amount]" = attrs.Factory(HashTrieMap)
    settled: "HashTrieMap[str, Amount]" = attrs.Factory(HashTrieMap)

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was spent or set aside yet."""
        return not self.held and self.spent == Amount()

    def over(self, more: Amount) -> tuple[str, float, float] | None:
        """Return (unit, used with *more*, cap) of a cap that *more* would go above, or None."""
        total = self.reserved + self.spent + more
        if self.max_tokens is not None and total.tokens > self.max_tokens:
            return "tokens", total.tokens, self.max_tokens
        if self.max_usd is not None and total.usd > self.max_usd + _CENT_DUST:
            return "usd", total.usd, self.max_usd
        return None


_CENT_DUST = 1e-9  # sums of floats are off by less than that


def decide(command: BudgetCommand, state: BudgetState) -> list[BudgetEvent]:
    """
    Return the events that *command* causes; none if it was done before.

    The first reservation under a cap is always let in: a cap that not even one phase fits under
    would otherwise forbid all work, and each recorded call is tested against it all the same.

    Raises:
        CapFullError: Setting that much aside would go above the cap.
        PriceUnknownError: There is a cap in USD, and nobody knows what the attempt may cost.
        InvalidInputError: The cap was set before, to something else.
    """
    match command:
        case SetBudget():
            return _set(command, state)
        case ReserveBudget(scope=scope, lease_token=token):
            wanted = Amount(command.tokens, command.usd or 0.0)
            unpriced = state.max_usd is not None and command.usd is None
            if unpriced and not command.allow_unknown_price:
                raise PriceUnknownError(scope)
            over = state.over(wanted)
            if over is not None and not state.is_untouched:
                raise CapFullError(
                    scope, unit=over[0], spent=_of(state.spent, over[0]),
                    reserved=_of(state.reserved, over[0]), wanted=_of(wanted, over[0]), cap=over[2],
                )  # fmt: skip
            return [
                BudgetReserved(
                    scope=scope, lease_token=token, tokens=command.tokens, usd=command.usd
                )
            ]
        case SettleBudget(scope=scope, lease_token=token):
            used = Amount(command.tokens, command.usd or 0.0)
            if token not in state.held and state.settled.get(token) == used:
                return []
            return [
                BudgetSettled(
                    scope=scope, lease_token=token, tokens=command.tokens, usd=command.usd
                )
            ]


def evolve(state: BudgetState, event: BudgetEvent) -> BudgetState:
    """Return *state* after *event*. Never refuses: the event happened."""
    match event:
        case BudgetSet(max_tokens=max_tokens, max_usd=max_usd):
            return attrs.evolve(state, max_tokens=max_tokens, max_usd=max_usd)
        case BudgetReserved(lease_token=token):
            amount = Amount(event.tokens or 0, event.usd or 0.0)
            before = state.held.get(token) or Amount()
            reserved = state.reserved - before + amount
            return attrs.evolve(state, reserved=reserved, held=state.held.insert(token, amount))
        case BudgetSettled(lease_token=token):
            amount = Amount(event.tokens or 0, event.usd or 0.0)
            held, before = state.held.get(token), state.settled.get(token) or Amount()
            return attrs.evolve(
                state,
                reserved=state.reserved - (held or Amount()),
                held=state.held.discard(token),
                spent=state.spent - before + amount,
                settled=state.settled.insert(token, amount),
            )


def fold(events: Iterable[BudgetEvent], state: BudgetState | None = None) -> BudgetState:
    """Return *state*, or that of a cap that was never set, after *events*."""
    state = state or BudgetState()
    for event in events:
        state = evolve(state, event)
    return state


def _set(command: SetBudget, state: BudgetState) -> list[BudgetEvent]:
    wanted, there = (command.max_tokens, command.max_usd), (state.max_tokens, state.max_usd)
    if wanted in (there, (None, None)):
        return []
    if there != (None, None) and not command.may_change:
        raise InvalidInputError(
            f"The cap of {command.scope} is set to {_words(*there)}, not {_words(*wanted)}. "
            "Join it without a cap of your own, or name another drain."
        )
    return [
        BudgetSet(
            scope=command.scope, max_tokens=wanted[0], max_usd=wanted[1],
            by=command.by, why=command.why,
        )
    ]  # fmt: skip


def _of(amount: Amount, unit: str) -> float:
    return amount.tokens if unit == "tokens" else amount.usd


def _words(max_tokens: int | None, max_usd: float | None) -> str:
    caps = (
        f"{cap:g} {unit}"
        for cap, unit in ((max_tokens, "tokens"), (max_usd, "USD"))
        if cap is not None
    )
    return " and ".join(caps) or "nothing"
