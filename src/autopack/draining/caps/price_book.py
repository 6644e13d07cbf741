"""What calls cost, and what those to come would: one answer for caps, plans and forecasts."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from autopack.errors import InvalidInputError
from autopack.errors.base import told
from autopack.events import LlmUsageRecorded
from autopack.log import views
from autopack.log.journal import Journal
from autopack.plugins.narrator import Narrator
from autopack.plugins.registry import Registry
from autopack.ports.log import from_us
from autopack.prediction.calibration.price_table import PricedCall, PriceTable, Quote, is_of_batch
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.call_use import Call
from autopack.values.money import Usd, share

NOT_MADE = "(not made)"
"""The id of a call that is only imagined."""

_ANY_MODEL = ""


def promise_of(*, allow_unknown_price: bool, assume_usd_per_call: object | None) -> str | None:
    """Return what caps in USD promise where prices may be unknown; None where they hold."""
    if assume_usd_per_call is not None:
        return (
            f"caps in USD count {assume_usd_per_call} USD for each call whose price nobody knows: "
            "they hold if none costs more"
        )
    if not allow_unknown_price:
        return None
    return (
        "caps in USD count what is reported or priced: they do not bind calls whose price nobody "
        "knows"
    )


class PriceBook:
    """
    Prices calls: as their provider reported, else by a table, else by plugins.

    A call that is not made yet has the price of the table or of plugins, else what calls of the log
    cost for a token of output, by model, and for a phase that names none over all models: a rough
    figure, which takes for granted that inputs stay in proportion. The log is read when that is
    first asked for.

    Args:
        table: Dated prices; it goes before the plugins.
    """

    def __init__(
        self, journal: Journal, registry: Registry | None, table: PriceTable | None = None
    ) -> None:
        self._journal, self._registry, self._table = journal, registry, table
        self._rates: dict[str, tuple[Usd, int]] | None = None

    def priced(
        self, usage: LlmUsageRecorded, occurred_at: datetime | None = None
    ) -> LlmUsageRecorded:
        """
        Return a call with the price that is computed for it, if its provider reported none.

        Asked once, before the call is recorded: what caps and limits count is a fact of the log.
        """
        quote = Quote() if usage.cost_usd is not None else self._computed(usage, occurred_at)
        if quote.usd is None:
            return usage
        found: LlmUsageRecorded = attrs.evolve(  # type: ignore[misc]
            usage, cost_usd=quote.usd, cost_source="computed", price_table=quote.table
        )
        return found

    def ahead(
        self,
        model: str | None,
        *,
        input_tokens: int | None,
        output_tokens: int,
        by_log: bool = True,
    ) -> Usd | None:
        """
        Return what a call of that size would cost, or None where nobody knows.

        Args:
            input_tokens: None where the prompt's size is not known.
            by_log: Whether to read the log for what calls cost, where nothing else tells.
        """
        found = None if model is None else self._imagined(model, input_tokens, output_tokens)
        if found is not None or not by_log:
            return found
        known = self._known().get(model or _ANY_MODEL)
        return None if known is None else share(known[0], output_tokens, known[1])

    def _imagined(self, model: str, input_tokens: int | None, output_tokens: int) -> Usd | None:
        """Return the price of a call that is not made yet, by the table or plugins."""
        imagined = LlmUsageRecorded(
            call_id=NOT_MADE,
            request_model=model,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            total_tokens=None if input_tokens is None else input_tokens + output_tokens,
            split="inferred",
        )
        return self._computed(imagined, None).usd

    def learn(self, row: AttemptRow) -> None:
        """Take note of what the calls of an attempt that ended cost."""
        if self._rates is not None:
            for call in row.calls.values():
                _add(self._rates, call)

    def _computed(self, usage: LlmUsageRecorded, at: datetime | None) -> Quote:
        moment = at or from_us(self._journal.now_us())
        if self._table is not None:
            quote = self._table.quote(PricedCall.of(usage), moment)
            if quote.usd is not None:
                return quote
        if self._registry is None or is_of_batch(usage):
            return Quote()  # plugins know what calls cost that are answered at once
        answers = self._registry.told(
            "autopack_price_usage", of=(Quote, Decimal, int, float, str), usage=usage, at=moment
        )
        quotes = (_quoted(*answer, usage.request_model) for answer in answers)
        return next((quote for quote in quotes if quote is not None), Quote())

    def _known(self) -> dict[str, tuple[Usd, int]]:
        if self._rates is None:
            sums: dict[str, tuple[Usd, int]] = {}
            for row in views.current(self._journal, ATTEMPTS).rows.values():
                for call in row.calls.values():
                    _add(sums, call)
            self._rates = sums
        return self._rates


def _quoted(plugin: str, answer: Any, model: str | None) -> Quote | None:
    """Return a plugin's price, and where it is from: as it says, or by name; None if it is none."""
    if isinstance(answer, Quote):
        return answer
    try:
        return Quote(usd=Usd.computed(answer), table=f"plugin {plugin}")
    except InvalidInputError:  # no cap can count with it
        what = "a plugin's price is none"
        Narrator("autopack.caps").error(what, price=told(answer), model=model)
        return None


def _add(sums: dict[str, tuple[Usd, int]], row: Call) -> None:
    if row.cost_usd is None or row.cost_source != "reported" or not row.output_tokens:
        return
    for model in {_ANY_MODEL, row.model or _ANY_MODEL}:
        usd, tokens = sums.get(model, (Usd(), 0))
        sums[model] = (usd + row.cost_usd, tokens + row.output_tokens)
