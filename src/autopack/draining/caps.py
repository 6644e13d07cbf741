"""Caps: what a claim sets aside under them, what it used in the end, and a test at each call."""

import math
from bisect import insort
from collections.abc import Mapping
from typing import Any, Final

import attrs

from autopack.budget import Amount
from autopack.commands import ReserveBudget, SetBudget, SettleBudget
from autopack.draining.pricing import price_ahead
from autopack.draining.spending import (
    BEFORE,
    calls_of,
    claim_of,
    settled_before,
    so_far,
    used_by,
)
from autopack.errors import CapReachedError
from autopack.events import BudgetReserved, BudgetSettled, LlmUsageRecorded
from autopack.handler import Handler
from autopack.ids import PhaseRef, budget_stream
from autopack.journal import JournalTransaction
from autopack.ports.log import ANY, Entry, Recorded, from_us
from autopack.ports.prediction import Estimate
from autopack.ports.work import PhaseView

_UPPER: Final = 0.9
_MARGIN: Final = 1.25


@attrs.frozen(kw_only=True)
class Wanted:
    """What a claim sets aside, and by what reckoning; *usd* is None where nobody knows a price."""

    tokens: int
    usd: float | None
    basis: str


class Seen:
    """What attempts of each group have used, for an upper quantile of the next one's use."""

    def __init__(self) -> None:
        self._tokens: dict[str, list[float]] = {}
        self._usd: dict[str, list[float]] = {}

    def add(self, group: str, used: Amount, *, is_priced: bool) -> None:
        """Take note of what an attempt used."""
        insort(self._tokens.setdefault(group, []), used.tokens)
        if is_priced:
            insort(self._usd.setdefault(group, []), used.usd)

    def upper(self, group: str) -> tuple[float | None, float | None, int]:
        """Return the upper quantile of tokens and of USD (None: too few), and of how many."""
        tokens, usd = self._tokens.get(group, []), self._usd.get(group, [])
        return _quantile(tokens), _quantile(usd), len(tokens)


class Caps:
    """
    Keeps the caps of runs and of one drain.

    A claim's reservation is appended to the cap's stream in the same batch as the claim, with an
    expected version, so that two workers cannot both take the last of it.

    Args:
        drain: The drain whose cap binds the claims, if it has one.
        allow_unknown_price: Claim under a cap in USD although nobody knows the price.
    """

    def __init__(
        self, handler: Handler, *, drain: str | None = None, allow_unknown_price: bool = False
    ) -> None:
        self.seen = Seen()
        self._handler, self._drain = handler, drain
        self._allow_unknown_price = allow_unknown_price
        self._registry = getattr(handler.journal, "registry", None)

    def set_drain(self, caps: Mapping[str, float | None], **how: Any) -> SetBudget:
        """Return the command that gives the drain its caps, by unit; None is none."""
        known = {unit: cap for unit, cap in caps.items() if cap is not None}
        return SetBudget(scope=f"drain-{self._drain}", caps=known, **how)

    def scopes(self, run_id: str, drain: str | None = None) -> list[str]:
        """
        Return the scopes under which an attempt is counted.

        A run is counted on when its caps are lifted, so that a cap set again knows what was used.
        """
        scope = f"run-{run_id}"
        is_run = self._handler.is_budgeted(scope) or self._handler.run_state(run_id).caps
        found = [scope] if is_run else []
        drain = drain or self._drain
        if drain is not None and self._handler.budget_state(f"drain-{drain}").caps:
            found.append(f"drain-{drain}")
        return found

    def wanted(self, phase: PhaseView, estimate: Estimate) -> Wanted:
        """Return what an attempt is likely to use at most: tokens in and out, and USD."""
        group, prompt = group_of(phase), estimate.features.prompt_tokens or 0
        tokens, usd, n = self.seen.upper(group)
        basis = f"{_UPPER:.0%} quantile of {n} attempts at {group}"
        if tokens is None:
            output, basis = _likely_output(estimate)
            tokens = prompt + output
        if usd is None and self._registry is not None:
            output = max(0, math.ceil(tokens) - prompt)
            usd = price_ahead(
                self._registry, phase.model, input_tokens=prompt, output_tokens=output
            )
        return Wanted(tokens=math.ceil(tokens), usd=usd, basis=basis)

    def ensure(self, run_id: str) -> None:
        """Open the stream of a run's cap, with what the run had used before."""
        caps = self._handler.run_state(run_id).caps
        if caps and not self._handler.is_budgeted(f"run-{run_id}"):
            self.set_run(run_id, caps, by="drain", why="the run was created with it")

    def set_run(self, run_id: str, caps: Mapping[str, float], **how: Any) -> list[Recorded[Any]]:
        """Give a run its caps; the first time with what it had used before."""
        scope = f"run-{run_id}"
        command = SetBudget(scope=scope, caps=caps, **how)

        def count_on(transaction: JournalTransaction, _events: list[Recorded[Any]]) -> None:
            # Nobody can claim or record a call while the write lock is held.
            if not self._handler.is_budgeted(scope):
                before = so_far(self._handler, run_id)
                transaction.append_batch([(budget_stream(scope), before, ANY)])

        return self._handler.handle(command, inside=count_on)

    def go_on(self, command: SetBudget, used: Amount) -> None:
        """Give a drain its caps; the first time with what it had *used* before."""
        scope, is_first = command.scope, not self._handler.is_budgeted(command.scope)
        before = [settled_before(scope, used)] if is_first and used != Amount() else []
        self._handler.handle(command, also=[(budget_stream(scope), before, ANY)])

    def reserving(self, run_id: str, token: str, wanted: Wanted) -> list[Entry]:
        """
        Return the entries that set a claim's wants aside, or assert that the run has no cap yet.

        Raises:
            CapFullError, PriceUnknownError: The claim is not to be made.
        """
        scopes, own = self.scopes(run_id), f"run-{run_id}"
        uncapped: list[Entry] = [] if own in scopes else [(budget_stream(own), [], 0)]
        return uncapped + [
            self._handler.decided(
                ReserveBudget(
                    scope=scope,
                    lease_token=token,
                    tokens=wanted.tokens,
                    usd=wanted.usd,
                    allow_unknown_price=self._allow_unknown_price,
                )
            )
            for scope in scopes
        ]

    def settling(
        self, ref: PhaseRef, token: str, took_s: float | None = None, *, is_ours: bool = False
    ) -> list[Entry]:
        """
        Return the entries that put what an attempt used in place of what it set aside.

        Args:
            took_s: How long it was at work at least, whatever the wall clock did meanwhile.
            is_ours: Whether this drain made the claim; else that is read from the log.
        """
        drain = self._drain if is_ours else self._drain_of(ref, token)
        return [
            (stream, events, ANY)
            for scope in self.scopes(ref.run_id, drain)
            if token in self._handler.budget_state(scope).held
            for stream, events, _version in [self._settled(scope, ref, token, took_s)]
        ]

    def check(
        self, transaction: JournalTransaction, ref: PhaseRef, token: str, usage: LlmUsageRecorded
    ) -> CapReachedError | None:
        """
        Count a recorded call under its caps, and return the error if one of them is used up.

        Called with the write lock held, so that what is read here stays true.
        """
        scopes = self.scopes(ref.run_id)
        if not scopes:
            return None
        used, _unpriced = self.used_of(ref, token, usage)
        one, _unpriced = used_by(self._registry, [usage])
        errors = [self._count(transaction, scope, token, used, one) for scope in scopes]
        return next((error for error in errors if error is not None), None)

    def used_of(self, ref: PhaseRef, token: str, *more: LlmUsageRecorded) -> tuple[Amount, int]:
        """Return what an attempt's calls used, and how many of them nobody can price."""
        return used_by(self._registry, [*calls_of(self._handler.journal, ref, token), *more])

    def correct(
        self,
        transaction: JournalTransaction,
        before: LlmUsageRecorded,
        after: LlmUsageRecorded,
        ref: PhaseRef,
    ) -> None:
        """Count under its caps by how much a call was amended."""
        token = before.lease_token or ""
        (was, _), (now, _) = (used_by(self._registry, [one]) for one in (before, after))
        for scope in self.scopes(ref.run_id, self._drain_of(ref, token)):
            state = self._handler.budget_state(scope)
            if token not in state.held:  # what is in work is counted anew when it ends
                self._add(transaction, scope, token, now - was)

    def _add(self, transaction: JournalTransaction, scope: str, token: str, more: Amount) -> None:
        """Count more for an attempt that has ended; one from before the cap is not known alone."""
        state = self._handler.budget_state(scope)
        name = token if token in state.settled else BEFORE
        total = (state.settled.get(name) or Amount()) + more
        added = BudgetSettled(
            scope=scope,
            lease_token=name,
            tokens=max(0, total.tokens),
            usd=max(0.0, total.usd),
            attempts=total.phases,
            minutes=total.minutes,
        )
        transaction.append_batch([(budget_stream(scope), [added], ANY)])

    def _count(
        self, transaction: JournalTransaction, scope: str, token: str, used: Amount, one: Amount
    ) -> CapReachedError | None:
        state, stream = self._handler.budget_state(scope), budget_stream(scope)
        held = state.held.get(token)
        if held is None:  # a late call: its attempt was settled before
            self._add(transaction, scope, token, one)
            return None
        if used.tokens > held.tokens or used.usd > held.usd:
            grown = BudgetReserved(
                scope=scope,
                lease_token=token,
                tokens=max(used.tokens, held.tokens),
                usd=max(used.usd, held.usd),
            )
            transaction.append_batch([(stream, [grown], ANY)])
        total = state.reserved - held + state.spent + used
        for unit in ("tokens", "usd"):
            there, cap = total.of(unit), state.caps.get(unit)
            if cap is not None and there >= cap:
                return CapReachedError(scope.replace("-", " ", 1), unit=unit, used=there, cap=cap)
        return None

    def _settled(self, scope: str, ref: PhaseRef, token: str, took_s: float | None) -> Entry:
        used, _unpriced = self.used_of(ref, token)
        command = SettleBudget(
            scope=scope,
            lease_token=token,
            tokens=used.tokens,
            usd=used.usd,
            minutes=self._minutes(ref, token, took_s),
        )
        return self._handler.decided(command)

    def _minutes(self, ref: PhaseRef, token: str, took_s: float | None) -> float | None:
        """Return how long ago the attempt was claimed, or how long it took, if that is more."""
        claimed = claim_of(self._handler.journal, ref, token)
        if claimed is None:
            return None
        now = from_us(self._handler.journal.now_us())
        return max(took_s or 0.0, (now - claimed.recorded_at).total_seconds()) / 60

    def _drain_of(self, ref: PhaseRef, token: str) -> str | None:
        """Return the drain that made a claim; it may be another one than ours."""
        claimed = claim_of(self._handler.journal, ref, token)
        return None if claimed is None else claimed.event.drain


def group_of(phase: PhaseView) -> str:
    """Return the group that a phase's use is compared in."""
    return f"{phase.category}/{phase.complexity}"


def _likely_output(estimate: Estimate) -> tuple[int, str]:
    """Return what an attempt may well write, in tokens: the quantile, if its budget is one."""
    if estimate.tau is not None:
        return estimate.budget_tokens, estimate.budget_basis
    output = math.ceil(estimate.predicted_output_tokens * _MARGIN)
    return output, f"{estimate.estimator} {estimate.estimator_version}, {_MARGIN:g} times"


def _quantile(values: list[float]) -> float | None:
    """Return the value that the next one stays below with the chance ``_UPPER``."""
    place = math.ceil((len(values) + 1) * _UPPER)
    return values[place - 1] if place <= len(values) else None
