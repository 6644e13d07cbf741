"""What attempts came to, summed: by drain, run, model, account, quarter of an hour, and in all."""

from collections.abc import Mapping
from decimal import Decimal
from operator import add, attrgetter, sub
from typing import Any, Final

import attrs
from rpds import HashTrieMap

from autopack.projections.call_use import Use, counted
from autopack.values.money import Usd


@attrs.frozen(kw_only=True)
class QuarterSums:
    """The calls of a quarter of an hour: how many, their known tokens and pico-dollars."""

    calls: int = 0
    tokens: int = 0
    pico_usd: int = 0

    def __add__(self, other: "QuarterSums") -> "QuarterSums":
        return QuarterSums(
            calls=self.calls + other.calls,
            tokens=self.tokens + other.tokens,
            pico_usd=self.pico_usd + other.pico_usd,
        )

    def __sub__(self, other: "QuarterSums") -> "QuarterSums":
        return QuarterSums(
            calls=self.calls - other.calls,
            tokens=self.tokens - other.tokens,
            pico_usd=self.pico_usd - other.pico_usd,
        )


@attrs.frozen(kw_only=True)
class Work:
    """
    What attempts came to.

    Args:
        attempts: How many were begun.
        endings: How many ended each way: ``completed``, ``failed``, ``timed_out``, ``gated``,
            ``released``, ``reclaimed``, ``cancelled``.
        use: What their calls used, late ones included.
        worked_us: How long those that ended were at work, in microseconds.
        estimates: Predictions that were made.
        samples: Predictions met by a measured output; *samples_won* of them completed.
        unreadable: Attempts of whose usage some could not be read.
        denied: Attempts whose program was denied the use of a tool.
        unmetered: Attempts under a cap that did not say all that they used.
        assumed_tokens, assumed_pico_usd: What stands in their caps for what nobody told.
        zero_yield: Attempts without a call, by the reason.
        failures: Attempts that failed or ran out of time, by fingerprint.
    """

    attempts: int = 0
    endings: Mapping[str, int] = attrs.Factory(dict)
    use: Use = attrs.Factory(Use)
    worked_us: int = 0
    estimates: int = 0
    samples: int = 0
    samples_won: int = 0
    unreadable: int = 0
    denied: int = 0
    unmetered: int = 0
    assumed_tokens: int = 0
    assumed_pico_usd: int = 0
    zero_yield: Mapping[str, int] = attrs.Factory(dict)
    failures: Mapping[str, int] = attrs.Factory(dict)

    def __add__(self, other: "Work") -> "Work":
        return self._and(other, 1)

    def __sub__(self, other: "Work") -> "Work":
        return self._and(other, -1)

    @property
    def lost(self) -> int:
        """Attempts whose phase was taken from their worker."""
        return self.endings.get("reclaimed", 0) + self.endings.get("cancelled", 0)

    @property
    def assumed_usd(self) -> Usd:
        """What stands for prices that nobody knows, in US dollars."""
        return Usd.of_pico(self.assumed_pico_usd)

    @property
    def charged_tokens(self) -> int:
        """What they use of a cap in tokens."""
        return self.use.total_tokens + self.assumed_tokens

    @property
    def charged_usd(self) -> Usd:
        """What they use of a cap in USD."""
        return self.use.cost_usd + self.assumed_usd

    @property
    def minutes(self) -> Decimal:
        """How long the attempts that ended were at work."""
        return Decimal(self.worked_us) / 60_000_000

    def _and(self, other: "Work", sign: int) -> "Work":
        each = map(add if sign > 0 else sub, _FIGURES(self), _FIGURES(other))
        sums: dict[str, Any] = dict(zip(_SUMMED, each, strict=True))
        for name in _COUNTED:
            sums[name] = counted(getattr(self, name), getattr(other, name), sign)
        return Work(**sums, use=self.use + other.use if sign > 0 else self.use - other.use)


_COUNTED: Final = ("endings", "zero_yield", "failures")
_SUMMED: Final = tuple(
    field.name for field in attrs.fields(Work) if field.name not in (*_COUNTED, "use")
)
_FIGURES: Final = attrgetter(*_SUMMED)


@attrs.frozen(kw_only=True)
class AccountTotal:
    """
    The account of what was used and done.

    Args:
        all: Over the whole log.
        by_drain: By the drain that claimed the attempts, by its id.
        by_run: By run id.
        by_model: What calls used by the model that answered; under an empty name, if nobody knows.
        by_account: By the account that they name, or else their attempt was claimed for; likewise.
        by_quarter: Calls by the quarter of an hour in which they happened.
    """

    all: Work = attrs.Factory(Work)
    by_drain: Mapping[str, Work] = attrs.Factory(dict)
    by_run: Mapping[str, Work] = attrs.Factory(dict)
    by_model: Mapping[str, Use] = attrs.Factory(dict)
    by_account: Mapping[str, Use] = attrs.Factory(dict)
    by_quarter: Mapping[str, QuarterSums] = attrs.Factory(dict)


def shared(values: Mapping[str, Any]) -> "HashTrieMap[str, Any]":
    """Return a map that shares its parts with those made from it: a change costs the same."""
    return values if isinstance(values, HashTrieMap) else HashTrieMap(values)


def moved(
    sums: Mapping[str, Any], empty: Any, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return sums by key after what stood there as *before* stands as *after*; none stays at 0."""
    if before == after:
        return sums
    found = shared(sums)
    for values, sign in ((before, -1), (after, 1)):
        for key, value in values.items():
            old = found.get(key) or empty
            new = old + value if sign > 0 else old - value
            found = found.discard(key) if new == empty else found.insert(key, new)
    return found
