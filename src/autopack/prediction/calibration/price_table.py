"""A dated table of prices: data that its user gives, and that is never guessed."""

from datetime import UTC, datetime
from typing import Final

import attrs

from autopack.errors import InvalidInputError
from autopack.values.money import Usd, share

_MILLION: Final = 1_000_000
_PRICES: Final = ("input", "output", "cache_read", "cache_write")


@attrs.frozen(kw_only=True)
class PriceEntry:
    """
    What a model costs from a day on, in USD for a million tokens.

    Args:
        model: Its name; with ``*`` at the end, all names that begin so.
        since: The day, as ``2026-01-31``, or a moment; from then on, until a later entry.
        cache_read, cache_write: For input that is read from or written to a cache; ordinary
            input if they are not given.
    """

    model: str
    since: str
    input: Usd
    output: Usd
    cache_read: Usd | None = None
    cache_write: Usd | None = None

    def __attrs_post_init__(self) -> None:
        """Take prices as exact decimals; refuse what is none, and days that cannot be read."""
        for name in _PRICES:
            if (given := getattr(self, name)) is None:
                continue
            try:
                object.__setattr__(self, name, Usd.of(given))
            except InvalidInputError as fault:
                raise InvalidInputError(
                    f"The price of {self.model}: {name} is {given!r}: {fault}",
                    name=name,
                    value=given,
                ) from fault
        _moment(self.since)

    def holds(self, model: str, at: datetime) -> bool:
        """Tell whether the entry is about a model, and has begun by then."""
        is_meant = (
            model.startswith(self.model[:-1]) if self.model.endswith("*") else model == self.model
        )
        return is_meant and _moment(self.since) <= at


@attrs.frozen(kw_only=True)
class PriceTable:
    """
    Prices by model and day.

    Of the entries that hold, the longest name decides, then the latest day.
    """

    entries: tuple[PriceEntry, ...] = ()

    def usd(
        self,
        model: str | None,
        at: datetime,
        *,
        input_tokens: int,
        output_tokens: int,
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
    ) -> Usd | None:
        """
        Return what a call costs, or None where no entry holds.

        Args:
            input_tokens: All of them, those read from and written to a cache included.
        """
        found = [entry for entry in self.entries if model is not None and entry.holds(model, at)]
        if not found:
            return None
        entry = max(found, key=lambda one: (len(one.model), _moment(one.since)))
        plain = max(0, input_tokens - cache_read_tokens - cache_write_tokens)
        read = entry.input if entry.cache_read is None else entry.cache_read
        written = entry.input if entry.cache_write is None else entry.cache_write
        parts = (
            (entry.input, plain),
            (read, cache_read_tokens),
            (written, cache_write_tokens),
            (entry.output, output_tokens),
        )
        return share(Usd.of_pico(sum(price.pico * n for price, n in parts)), 1, _MILLION)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is no day that a price could hold from.", name="since", value=text
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
