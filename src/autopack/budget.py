"""A cap and what is set aside under it, decided from the cap's own stream."""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import attrs
from rpds import HashTrieMap

from autopack.commands import BudgetCommand, ReserveBudget, SetBudget, SettleBudget
from autopack.errors import CapFullError, InvalidInputError, PriceUnknownError
from autopack.errors.nearest import did_you_mean
from autopack.events import BudgetEvent, BudgetReserved, BudgetSet, BudgetSettled

UNITS: Final = ("tokens", "usd", "phases", "minutes")
"""What a cap may be in: total tokens, USD, attempts begun, and minutes that they took."""

_WHOLE: Final = ("tokens", "phases")
_NOTHING: Final = Decimal(0)


@attrs.frozen
class Amount:
    """Total tokens, USD, attempts and how long they worked; what is not known adds nothing."""

    tokens: int = 0
    usd: Decimal = Decimal(0)
    phases: int = 0
    worked_us: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(
            self.tokens + other.tokens,
            self.usd + other.usd,
            self.phases + other.phases,
            self.worked_us + other.worked_us,
        )

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(
            self.tokens - other.tokens,
            self.usd - other.usd,
            self.phases - other.phases,
            self.worked_us - other.worked_us,
        )

    @property
    def minutes(self) -> Decimal:
        """How long the attempts worked, in minutes."""
        return Decimal(self.worked_us) / 60_000_000

    def of(self, unit: str) -> int | Decimal:
        """Return the figure of one unit."""
        figure: int | Decimal = getattr(self, unit)
        return figure


@attrs.frozen(kw_only=True)
class BudgetState:
    """
    What a cap's stream says.

    Args:
        caps: The caps by unit; empty if there is none.
        reserved: What attempts in work set aside, summed; ``held`` has it by lease token.
        spent: What attempts that ended have used, summed; ``settled`` has it by lease token.
    """

    caps: Mapping[str, float] = attrs.Factory(dict)
    reserved: Amount = Amount()
    spent: Amount = Amount()
    held: "HashTrieMap[str, Amount]" = attrs.Factory(HashTrieMap)
    settled: "HashTrieMap[str, Amount]" = attrs.Factory(HashTrieMap)

    def over(self, more: Amount) -> tuple[str, float] | None:
        """
        Return (unit, cap) of a cap that is used up, or that *more* would go above, or None.

        Where nothing is set aside, nor used in a unit, anything fits: a cap that not even one
        attempt fits under would otherwise forbid all work, and each recorded call is tested against
        it all the same.
        """
        there = self.reserved + self.spent
        total = there + more
        for unit, cap in self.caps.items():
            is_first = not self.held and not self.spent.of(unit)
            if not is_first and (there.of(unit) >= cap or total.of(unit) > cap):
                return unit, cap
        return None


def decide(command: BudgetCommand, state: BudgetState) -> list[BudgetEvent]:
    """
    Return the events that *command* causes; none if it was done before.

    Raises:
        CapFullError: Setting that much aside would go above the cap.
        PriceUnknownError: There is a cap in USD, and nobody knows what the attempt may cost.
        InvalidInputError: The cap was set before, to something else.
    """
    match command:
        case SetBudget():
            return _set(command, state)
        case ReserveBudget(scope=scope, lease_token=token):
            wanted = Amount(command.tokens, command.usd or _NOTHING, phases=1)
            unpriced = "usd" in state.caps and command.usd is None
            if unpriced and not command.allow_unknown_price:
                raise PriceUnknownError(scope)
            if (over := state.over(wanted)) is not None:
                unit, cap = over
                raise CapFullError(
                    scope, unit=unit, spent=state.spent.of(unit),
                    reserved=state.reserved.of(unit), wanted=wanted.of(unit), cap=cap,
                )  # fmt: skip
            return [
                BudgetReserved(
                    scope=scope, lease_token=token, tokens=command.tokens, usd=command.usd
                )
            ]
        case SettleBudget(scope=scope, lease_token=token):
            settled = BudgetSettled(
                scope=scope,
                lease_token=token,
                tokens=command.tokens,
                usd=command.usd,
                worked_us=command.worked_us,
            )
            if token not in state.held and state.settled.get(token) == _used(settled):
                return []
            return [settled]


def evolve(state: BudgetState, event: BudgetEvent) -> BudgetState:
    """Return *state* after *event*. Never refuses: the event happened."""
    match event:
        case BudgetSet():
            caps = {unit: getattr(event, f"max_{unit}") for unit in UNITS}
            known = {unit: cap for unit, cap in caps.items() if cap is not None}
            return attrs.evolve(state, caps=known)
        case BudgetReserved(lease_token=token):
            amount = Amount(event.tokens or 0, event.usd or _NOTHING, phases=1)
            before = state.held.get(token) or Amount()
            reserved = state.reserved - before + amount
            return attrs.evolve(state, reserved=reserved, held=state.held.insert(token, amount))
        case BudgetSettled(lease_token=token):
            amount = _used(event)
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
    given = {unit: cap for unit, cap in command.caps.items() if cap is not None}
    checked_caps(command.scope, {**given, **dict.fromkeys(command.caps.keys() - given, 1)})
    before = state.caps or command.otherwise
    merged = {**before, **command.caps}
    caps = {unit: cap for unit, cap in merged.items() if cap is not None}
    if not command.caps or (caps == state.caps and (state.caps or not command.otherwise)):
        return []
    if state.caps and not command.may_change:
        raise InvalidInputError(
            f"The cap of {command.scope} is set to {_words(state.caps)}, not {_words(caps)}. "
            "Join it without a cap of your own, or name another drain."
        )
    tokens, phases = caps.get("tokens"), caps.get("phases")
    return [
        BudgetSet(
            scope=command.scope,
            max_tokens=None if tokens is None else int(tokens),
            max_usd=caps.get("usd"),
            max_phases=None if phases is None else int(phases),
            max_minutes=caps.get("minutes"),
            by=command.by,
            why=command.why,
        )
    ]


def cap_faults(caps: Mapping[str, float]) -> dict[str, str]:
    """Return what is wrong with caps, by unit."""
    faults = {}
    for unit, cap in caps.items():
        if unit not in UNITS:
            hint = did_you_mean(unit, UNITS) or f" Caps: {', '.join(UNITS)}."
            faults[unit] = f"no cap is called {unit!r}.{hint}"
        elif isinstance(cap, bool) or not isinstance(cap, int | float) or not 0 < cap < math.inf:
            faults[unit] = f"the cap in {unit} is {cap!r}; it must be a number above 0."
        elif unit in _WHOLE and not (cap == int(cap) and cap < 2**63):
            faults[unit] = f"the cap in {unit} is {cap!r}; it must be a whole number up to 2**63."
    return faults


def checked_caps(whose: str, caps: Mapping[str, float]) -> dict[str, float]:
    """
    Return caps that can be kept.

    Raises:
        InvalidInputError: One is in an unknown unit, or not above 0.
    """
    for fault in cap_faults(caps).values():
        raise InvalidInputError(f"{whose}: {fault}")
    return dict(caps)


def _used(event: BudgetSettled) -> Amount:
    return Amount(event.tokens or 0, event.usd or _NOTHING, event.attempts, event.worked_us)


def _words(caps: Mapping[str, float]) -> str:
    return " and ".join(f"{cap:g} {unit}" for unit, cap in caps.items()) or "nothing"
