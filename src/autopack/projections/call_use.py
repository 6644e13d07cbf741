"""What calls used: the one definition of a call's total, of its price and of "measured"."""

from collections.abc import Iterable, Mapping
from operator import add, attrgetter, sub
from typing import Any, Final

import attrs

from autopack.events import LlmUsageAmended, LlmUsageRecorded
from autopack.events.usage import AMENDABLE, BUILDER, amended_figures, says_cut
from autopack.values.money import Usd, pico

MEASURED: Final = "measured"
_WEAKNESS: Final[Mapping[str, int]] = {MEASURED: 0, "inferred": 1, "total_only": 2}


@attrs.frozen(kw_only=True)
class Call:
    """
    One call's figures as last reported; None is unknown. Tokens, USD.

    Args:
        quarter: The beginning of the quarter of an hour in which it happened, in ISO 8601.
        price_table: Which table, with its version, a computed cost is from.
        is_told: False while only an amendment of it is known, whose call comes later.
    """

    call_id: str
    provider: str | None = None
    account: str | None = None
    role: str = BUILDER
    model: str | None = None
    split: str = MEASURED
    late: bool = False
    amended: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    total_tokens: int | None = None
    max_tokens: int | None = None
    cost_usd: Usd | None = None
    cost_source: str = "unknown"
    price_table: str | None = None
    truncated: bool = False
    quarter: str = ""
    is_told: bool = True

    @property
    def total(self) -> int | None:
        """All its tokens: as reported, else the sum of both parts; None if one is missing."""
        if self.total_tokens is not None:
            return self.total_tokens
        if self.input_tokens is None or self.output_tokens is None:
            return None
        return self.input_tokens + self.output_tokens

    @property
    def known_tokens(self) -> int:
        """Its total, or the part of it that is known."""
        if self.total_tokens is not None:
            return self.total_tokens
        return (self.input_tokens or 0) + (self.output_tokens or 0)

    @property
    def measured_output(self) -> int | None:
        """Its output, if somebody measured it."""
        return self.output_tokens if self.split == MEASURED else None


def call_of(event: LlmUsageRecorded, quarter: str) -> Call:
    """Return a call as its event tells it."""
    return Call(
        call_id=event.call_id,
        provider=event.provider,
        account=event.account,
        role=event.role,
        model=event.response_model or event.request_model,
        split=event.split,
        late=event.late,
        input_tokens=event.input_tokens,
        output_tokens=event.output_tokens,
        reasoning_tokens=event.reasoning_tokens,
        total_tokens=event.total_tokens,
        max_tokens=event.max_tokens,
        cost_usd=event.cost_usd,
        cost_source=event.cost_source,
        price_table=event.price_table,
        truncated=_is_cut(event),
        quarter=quarter,
    )


def _is_cut(event: LlmUsageRecorded) -> bool:
    return says_cut(event.stop_reason) if event.truncated is None else event.truncated


def amended(call: Call | None, event: LlmUsageAmended) -> Call:
    """Return a call with the figures that its source gave later; it may not be told yet."""
    call = call or Call(call_id=event.call_id, provider=event.provider, is_told=False)
    figures, known = amended_figures(event), attrs.fields_dict(type(call))
    changes: dict[str, Any] = {name: figures[name] for name in figures if name in known}
    return attrs.evolve(call, **changes, amended=call.amended + 1)


def told(before: Call, event: LlmUsageRecorded, quarter: str) -> Call:
    """Return a call of which only amendments were known: what they gave stays."""
    call = call_of(event, quarter)
    known = {name: getattr(before, name) for name in _AMENDED}
    given: dict[str, Any] = {name: value for name, value in known.items() if value is not None}
    if "total_tokens" not in given and given.keys() & {"input_tokens", "output_tokens"}:
        given["total_tokens"] = None
    if "cost_usd" in given:
        given |= {"cost_source": before.cost_source, "price_table": before.price_table}
    return attrs.evolve(call, **given, split=before.split, amended=before.amended)


_AMENDED: Final = tuple(name for name in AMENDABLE if name in attrs.fields_dict(Call))


@attrs.frozen(kw_only=True)
class Use:
    """
    Sums over calls. What a call did not tell adds nothing, and is counted.

    Args:
        total_tokens: What is known of the calls' totals; *calls_without_total* did not tell it all.
        cost_pico_usd: Prices as reported, or as computed when they were recorded, in pico-dollars;
            *computed_pico_usd* is the part that was computed, and nobody knows the price of
            *calls_without_cost*.
        measured_calls: Calls whose output was measured; *measured_output_tokens* sums them.
        cut_calls: Calls whose output was cut.
    """

    calls: int = 0
    late_calls: int = 0
    total_tokens: int = 0
    calls_without_total: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    measured_calls: int = 0
    measured_output_tokens: int = 0
    inferred_output_tokens: int = 0
    cut_calls: int = 0
    cost_pico_usd: int = 0
    computed_pico_usd: int = 0
    calls_without_cost: int = 0
    by_split: Mapping[str, int] = attrs.Factory(dict)

    def plus(self, call: Call, sign: int = 1) -> "Use":
        """Return the sums with one call more, or with *sign* -1 less."""
        if not call.is_told:
            return self
        output, measured = sign * (call.output_tokens or 0), call.measured_output
        cost = sign * pico(call.cost_usd)
        return Use(
            calls=self.calls + sign,
            late_calls=self.late_calls + sign * call.late,
            total_tokens=self.total_tokens + sign * call.known_tokens,
            calls_without_total=self.calls_without_total + sign * (call.total is None),
            input_tokens=self.input_tokens + sign * (call.input_tokens or 0),
            output_tokens=self.output_tokens + output,
            measured_calls=self.measured_calls + sign * (measured is not None),
            measured_output_tokens=self.measured_output_tokens + sign * (measured or 0),
            inferred_output_tokens=self.inferred_output_tokens
            + (output if call.split == "inferred" else 0),
            cut_calls=self.cut_calls + sign * call.truncated,
            cost_pico_usd=self.cost_pico_usd + cost,
            computed_pico_usd=self.computed_pico_usd
            + (cost if call.cost_source == "computed" else 0),
            calls_without_cost=self.calls_without_cost + sign * (call.cost_usd is None),
            by_split=counted(self.by_split, {call.split: 1}, sign),
        )

    def __add__(self, other: "Use") -> "Use":
        return self._and(other, 1)

    def __sub__(self, other: "Use") -> "Use":
        return self._and(other, -1)

    @property
    def cost_usd(self) -> Usd:
        """The prices in US dollars."""
        return Usd.of_pico(self.cost_pico_usd)

    @property
    def weakest_split(self) -> str:
        """How the figures of the least well known call were come by."""
        return max(self.by_split, key=_WEAKNESS.__getitem__, default=MEASURED)

    def _and(self, other: "Use", sign: int) -> "Use":
        if other == NO_USE:
            return self
        sums = map(add if sign > 0 else sub, _FIGURES(self), _FIGURES(other))
        by_split = counted(self.by_split, other.by_split, sign)
        return Use(**dict(zip(_SUMMED, sums, strict=True)), by_split=by_split)


def sum_of(uses: Iterable[Use]) -> Use:
    """Return the sums over several, figure by figure: of many sooner than one and one."""
    found = list(uses)
    if len(found) == 1:
        return found[0]
    sums = map(sum, zip(*map(_FIGURES, found), strict=True))
    by_split: dict[str, int] = {}
    for use in found:
        for split, n in use.by_split.items():
            by_split[split] = by_split.get(split, 0) + n
    return Use(**dict(zip(_SUMMED, sums, strict=True)), by_split=by_split) if found else NO_USE


NO_USE: Final = Use()
"""What no call has used."""
_SUMMED: Final = tuple(field.name for field in attrs.fields(Use) if field.name != "by_split")
_FIGURES: Final = attrgetter(*_SUMMED)


def counted(counts: Mapping[str, int], more: Mapping[str, int], sign: int) -> Mapping[str, int]:
    """Return counts with others added, or with *sign* -1 taken away; none is kept at 0."""
    if not more:
        return counts
    found = dict(counts)
    for name, n in more.items():
        found[name] = found.get(name, 0) + sign * n
        if not found[name]:
            del found[name]
    return found
