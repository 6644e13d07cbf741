"""Caps: what a claim sets aside under them, what it used in the end, and a test at each call."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs

from autopack.aggregates.cap import Amount
from autopack.draining.caps.cap_streams import BEFORE, CapStreams, amount_of, settled
from autopack.draining.caps.predicted_use import newest_attempts
from autopack.draining.caps.price_book import PriceBook
from autopack.draining.caps.reservations import Reservations, Wanted
from autopack.draining.caps.standing_caps import NO_STANDING_CAPS, StandingCaps
from autopack.errors import CapReachedError
from autopack.events import CapReserved
from autopack.log.command_handler import Handler
from autopack.ports.log import Entry
from autopack.ports.prediction import Estimate
from autopack.ports.work import PhaseView
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import End, ended
from autopack.projections.call_use import Use
from autopack.values.ids import PhaseRef, cap_stream
from autopack.values.money import Usd, UsdSum, as_sum


class Caps(CapStreams):
    """
    Keeps the caps of runs and of one drain.

    A claim's reservation is appended to the cap's stream in the same batch as the claim, with an
    expected version, so that two workers cannot both take the last of it. Everything that changes
    what is used under a cap is counted in the batch that records it; the figures are those of the
    attempt as the account keeps it. What a method returns as entries is to be built within
    :meth:`Handler.append`.

    Args:
        drain, standing: As for :class:`CapStreams`.
        prices: What calls cost; by plugins and the log's calls, if it is left out.
        allow_unknown_price: Claim under a cap in USD although nobody knows the price.
        assume_usd_per_call: What a call counts as whose price nobody tells.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        drain: str | None = None,
        prices: PriceBook | None = None,
        standing: StandingCaps = NO_STANDING_CAPS,
        allow_unknown_price: bool = False,
        assume_usd_per_call: Usd | None = None,
    ) -> None:
        super().__init__(handler, drain=drain, standing=standing)
        self.prices = prices or PriceBook(handler.journal, handler.journal.registry)
        self.reservations = Reservations(self.prices, assume_usd_per_call, self._attempts_before)
        self._allow_unknown_price = allow_unknown_price

    def scopes(self, run_id: str, drain: str | None = None, own: Sequence[str] = ()) -> list[str]:
        """
        Return the scopes under which an attempt is counted.

        A run is counted on when its caps are lifted, so that a cap set again knows what was used.

        Args:
            own: Those of its phase and its day.
        """
        found = [f"run-{run_id}"] if self._handler.known_cap(f"run-{run_id}")[0] else []
        drain = drain or self._drain
        if drain is not None and self._handler.known_cap(f"drain-{drain}")[1].caps:
            found.append(f"drain-{drain}")
        return [*found, *own]

    def units(self, run_id: str, own: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the units of the caps in force for an attempt."""
        found: dict[str, None] = {}
        for scope in self.scopes(run_id, own=own):
            found.update(dict.fromkeys(self._handler.known_cap(scope)[1].caps))
        return tuple(found)

    def wanted(self, phase: PhaseView, estimate: Estimate, own: Sequence[str] = ()) -> Wanted:
        """Return what an attempt is likely to use at most: tokens in and out, and USD."""
        # A single attempt of somebody's own loop does not read the whole log for a price.
        units = () if self._drain is None else self.units(phase.run_id, own)
        return self.reservations.wanted(phase, estimate, units=units)

    def _attempts_before(self) -> Iterable[AttemptRow]:
        """Return what the log tells of attempts that are not the drain's own."""
        return newest_attempts(self._handler.journal, but_of=self._drain)

    def reserving(
        self, run_id: str, token: str, wanted: Wanted, own: Sequence[str] = ()
    ) -> list[Entry]:
        """
        Return the entries that set a claim's wants aside, or assert that the run has no cap yet.

        Args:
            own: The scopes of its phase and its day.

        Raises:
            CapFullError, PriceUnknownError: The claim is not to be made.
        """
        tokens, usd, is_allowed = wanted.tokens, as_sum(wanted.usd), self._allow_unknown_price
        return self._uncapped(run_id) + [
            self._handler.decided(
                CapReserved(scope=scope, lease_token=token, tokens=tokens, usd=usd),
                allow_unknown_price=is_allowed,
            )
            for scope in self.scopes(run_id, own=own)
        ]

    def settling(self, ref: PhaseRef, number: int, end: End) -> list[Entry]:
        """
        Return the entries that put what an attempt used in place of what it set aside.

        What was set aside also stands for what is not known of its calls.

        Args:
            end: What records its end.
        """
        row = self._handler.attempt(ref, number)
        if row.lease_token is None:
            return []
        used = amount_of(ended(row, end, row.position))
        entries = self._uncapped(ref.run_id)
        for scope in self.scopes(ref.run_id, row.drain, row.scopes):
            version, state = self._handler.known_cap(scope)
            if row.lease_token not in state.held:
                entries.append((cap_stream(scope), [], version))
                continue
            entries.append(self._handler.decided(settled(scope, row.lease_token, used)))
        return entries

    def counting(
        self, ref: PhaseRef, row: AttemptRow, after: Use
    ) -> tuple[list[Entry], CapReachedError | None]:
        """
        Return the entries that count a call under its caps, and the error if it goes above one.

        Args:
            row: The attempt before the call.
            after: What it has used with the call.
        """
        entries, more = self._uncapped(ref.run_id), _charged(row, after) - _charged(row, row.use)
        errors: list[CapReachedError] = []
        for scope in self.scopes(ref.run_id, row.drain, row.scopes):
            version, state = self._handler.known_cap(scope)
            token, used = row.lease_token or "", _charged(row, after)
            held = state.held.get(token)
            if held is None:  # a late call: its attempt was settled before
                entries.append(self._added(scope, token, more))
                continue
            grown = Amount(max(used.tokens, held.tokens), max(used.usd, held.usd))
            is_more = grown.tokens > held.tokens or grown.usd > held.usd
            entries.append((cap_stream(scope), _grown(scope, token, grown, is_more), version))
            others = state.reserved - held + state.spent
            known = others + Amount(after.total_tokens, after.cost_usd)
            for unit in ("tokens", "usd"):
                there, most = (others + used).of(unit), state.caps.get(unit)
                is_set_aside = used.of(unit) <= held.of(unit)  # the claim was let in with it
                there = known.of(unit) if is_set_aside else there
                if most is not None and there > most:
                    whose = scope.replace("-", " ", 1)
                    errors.append(CapReachedError(whose, unit=unit, used=there, cap=most))
        return entries, errors[0] if errors else None

    def correcting(self, ref: PhaseRef, row: AttemptRow, after: Use) -> list[Entry]:
        """Return the entries that count by how much an attempt's call was amended."""
        token, entries = row.lease_token or "", self._uncapped(ref.run_id)
        more = _charged(row, after) - _charged(row, row.use)
        for scope in self.scopes(ref.run_id, row.drain, row.scopes):
            version, state = self._handler.known_cap(scope)
            if token in state.held:  # its end counts it anew, and must not have come meanwhile
                entries.append((cap_stream(scope), [], version))
            else:
                entries.append(self._added(scope, token, more))
        return entries

    def _uncapped(self, run_id: str) -> list[Entry]:
        """Return what asserts that a run has no cap yet, if it seems to have none."""
        scope = f"run-{run_id}"
        is_capped = self._handler.known_cap(scope)[0] > 0
        return [] if is_capped else [(cap_stream(scope), [], 0)]

    def _added(self, scope: str, token: str, more: Amount) -> Entry:
        """Count more for an attempt that has ended; one from before the cap is not known alone."""
        version, state = self._handler.known_cap(scope)
        name = token if token in state.settled else BEFORE
        total = (state.settled.get(name) or Amount()) + more
        return cap_stream(scope), [settled(scope, name, total)], version


def worked_s(row: AttemptRow, now: datetime, lease_ends_at: datetime | None) -> float | None:
    """Return how long an attempt that somebody else ends was at work: its lease's end at most."""
    if row.claimed_us is None:
        return None
    until = now if lease_ends_at is None else min(now, lease_ends_at)
    return max(0.0, until.timestamp() - row.claimed_us / 1e6)


def _charged(row: AttemptRow, use: Use) -> Amount:
    """Return what an attempt uses of caps in tokens and USD once its calls have used so much."""
    row = attrs.evolve(row, use=use)
    return Amount(row.charged_tokens, row.charged_usd)


def _grown(scope: str, token: str, grown: Amount, is_more: bool) -> list[CapReserved]:
    if not is_more:
        return []
    return [
        CapReserved(scope=scope, lease_token=token, tokens=grown.tokens, usd=UsdSum.of(grown.usd))
    ]
