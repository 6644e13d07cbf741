"""A cap and what is set aside under it, decided from the cap's own stream."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from rpds import HashTrieMap

from autopack.aggregates.requests import CapRequest, CapsRequest
from autopack.errors import CapFullError, InvalidInputError, PriceUnknownError
from autopack.errors.exact_figures import figure
from autopack.events import CapAsked, CapDecided, CapEvent, CapReserved, CapSet, CapSettled
from autopack.events.cap_table import UNITS, CapTable, cap_faults
from autopack.values.money import ZERO, Usd, UsdLike


@attrs.frozen
class Amount:
    """Total tokens, USD, attempts and how long they worked; what is not known adds nothing."""

    tokens: int = 0
    usd: Usd = ZERO
    attempts: int = 0
    worked_us: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(
            self.tokens + other.tokens,
            self.usd + other.usd,
            self.attempts + other.attempts,
            self.worked_us + other.worked_us,
        )

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(
            self.tokens - other.tokens,
            self.usd - other.usd,
            self.attempts - other.attempts,
            self.worked_us - other.worked_us,
        )

    @property
    def minutes(self) -> float:
        """How long the attempts worked, in minutes."""
        return self.worked_us / 60_000_000

    def of(self, unit: str) -> float | Usd:
        """Return the figure of one unit."""
        figure: float | Usd = getattr(self, unit)
        return figure


@attrs.frozen(kw_only=True)
class CapState:
    """
    What a cap's stream says.

    Args:
        caps: The caps by unit; empty if there is none.
        reserved: What attempts in work set aside, summed; ``held`` has it by lease token.
        spent: What attempts that ended have used, summed; ``settled`` has it by lease token.
        asked: The question to the owner that is open, if one is.
        is_refused: Whether the owner has said no; nothing is asked again until the caps change.
    """

    caps: Mapping[str, float | Usd] = attrs.Factory(dict)
    reserved: Amount = Amount()
    spent: Amount = Amount()
    held: "HashTrieMap[str, Amount]" = attrs.Factory(HashTrieMap)
    settled: "HashTrieMap[str, Amount]" = attrs.Factory(HashTrieMap)
    asked: CapAsked | None = None
    is_refused: bool = False

    def over(self, more: Amount) -> tuple[str, float | Usd] | None:
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


def decide(
    request: CapRequest, state: CapState, *, allow_unknown_price: bool = False
) -> list[CapEvent]:
    """
    Return the events that *request* causes; none if it was done before.

    Args:
        allow_unknown_price: Set aside under a cap in USD although nobody knows the price.

    Raises:
        CapFullError: Setting that much aside would go above the cap.
        PriceUnknownError: There is a cap in USD, and nobody knows what the attempt may cost.
        InvalidInputError: The cap was set before, to something else; or an answer that raises no
            cap above what it is, or is to no question.
    """
    match request:
        case CapsRequest():
            return _set(request, state)
        case CapReserved(scope=scope):
            is_priced = request.usd is not None or allow_unknown_price
            check_room(scope, _set_aside(request), state, is_priced=is_priced)
            return [request]
        case CapSettled(lease_token=token):
            is_so = token not in state.held and state.settled.get(token) == _used(request)
            return [] if is_so else [request]
        case CapAsked():
            return [] if state.asked is not None or state.is_refused else [request]
        case CapDecided():
            _check_answer(request, state)
            return [request]


def check_room(scope: str, wanted: Amount, state: CapState, *, is_priced: bool) -> None:
    """
    Return if a claim may set so much aside under a cap.

    Args:
        is_priced: Whether its price is known, or need not be.

    Raises:
        CapFullError: It would go above the cap.
        PriceUnknownError: There is a cap in USD, and nobody knows what the claim may cost.
    """
    if "usd" in state.caps and not is_priced:
        raise PriceUnknownError(scope)
    if (over := state.over(wanted)) is not None:
        unit, cap = over
        raise CapFullError(
            scope, unit=unit, spent=state.spent.of(unit),
            reserved=state.reserved.of(unit), wanted=wanted.of(unit), cap=cap,
        )  # fmt: skip


def evolve(state: CapState, event: CapEvent) -> CapState:
    """Return *state* after *event*. Never refuses: the event happened."""
    match event:
        case CapSet():
            caps = {unit: getattr(event, f"max_{unit}") for unit in UNITS}
            known = {unit: cap for unit, cap in caps.items() if cap is not None}
            return attrs.evolve(state, caps=known, asked=None, is_refused=False)
        case CapAsked():
            return attrs.evolve(state, asked=event)
        case CapDecided(raise_to=raised):
            caps = {**state.caps, **raised}
            return attrs.evolve(state, caps=caps, asked=None, is_refused=not raised)
        case CapReserved(lease_token=token):
            amount = _set_aside(event)
            before = state.held.get(token) or Amount()
            reserved = state.reserved - before + amount
            return attrs.evolve(state, reserved=reserved, held=state.held.insert(token, amount))
        case CapSettled(lease_token=token):
            amount = _used(event)
            held, before = state.held.get(token), state.settled.get(token) or Amount()
            return attrs.evolve(
                state,
                reserved=state.reserved - (held or Amount()),
                held=state.held.discard(token),
                spent=state.spent - before + amount,
                settled=state.settled.insert(token, amount),
            )


def fold(events: Iterable[CapEvent], state: CapState | None = None) -> CapState:
    """Return *state*, or that of a cap that was never set, after *events*."""
    state = state or CapState()
    for event in events:
        state = evolve(state, event)
    return state


def _set(request: CapsRequest, state: CapState) -> list[CapEvent]:
    given = {unit: cap for unit, cap in request.caps.items() if cap is not None}
    lifted = dict.fromkeys(request.caps.keys() - given)
    checked = checked_caps(request.scope, {**given, **dict.fromkeys(lifted, 1)})
    before = state.caps or request.otherwise
    if request.may_raise:
        checked = CapTable(
            {unit: cap for unit, cap in checked.items() if unit not in before or cap > before[unit]}
        )
    merged = {**before, **checked, **lifted}
    caps = {unit: cap for unit, cap in merged.items() if cap is not None}
    if not request.caps or (caps == state.caps and (state.caps or not request.otherwise)):
        return []
    if state.caps and not (request.may_change or request.may_raise):
        raise InvalidInputError(
            f"The cap of {request.scope} is set to {_words(state.caps)}, not {_words(caps)}. "
            "Join it without a cap of your own, or name another drain.",
            name="caps",
            value=dict(request.caps),
        )
    limits: dict[str, Any] = {f"max_{unit}": cap for unit, cap in caps.items()}
    return [CapSet(scope=request.scope, by=request.by, why=request.why, **limits)]


def _check_answer(answer: CapDecided, state: CapState) -> None:
    """Return if an answer is to a question, and lets claims in if it raises caps."""
    asked, raised = state.asked, answer.raise_to
    if asked is None:
        raise InvalidInputError(
            f"Nothing is asked of the cap {answer.scope!r}. See what is with:",
            do="list_caps(log)",
            typed="autopack cap list",
            name="scope",
            value=answer.scope,
        )
    if not raised:
        return
    if asked.unit not in raised:
        raise InvalidInputError(
            f"The cap of {answer.scope} in {asked.unit} is used up, and the answer raises another: "
            f"{_words(raised)}.",
            name="raise_to",
            value=dict(raised),
        )
    for unit, cap in raised.items():
        least = max(state.spent.of(unit), state.caps.get(unit, 0))
        if cap <= least:
            raise InvalidInputError(
                f"The cap of {answer.scope} in {unit} would be {figure(cap)}; it must be above "
                f"{figure(least)}.",
                name=f"raise_to.{unit}",
                value=cap,
            )


def checked_caps(whose: str, caps: Mapping[str, UsdLike]) -> CapTable:
    """
    Return caps that can be kept.

    Raises:
        InvalidInputError: One is in an unknown unit, or not above 0.
    """
    for unit, fault in cap_faults(caps).items():
        raise InvalidInputError(fault, name=f"caps.{unit}", value=caps[unit], whose=whose)
    return CapTable.of(caps)


def _set_aside(event: CapReserved) -> Amount:
    return Amount(event.tokens or 0, event.usd or ZERO, attempts=1)


def _used(event: CapSettled) -> Amount:
    return Amount(event.tokens or 0, event.usd or ZERO, event.attempts, event.worked_us)


def _words(caps: Mapping[str, float | Usd]) -> str:
    return " and ".join(f"{figure(cap)} {unit}" for unit, cap in caps.items()) or "nothing"
