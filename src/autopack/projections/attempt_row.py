"""One attempt as the account keeps it, and what it adds to the account."""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from autopack.events.usage import BUILDER
from autopack.projections.call_use import MEASURED, Call, Use
from autopack.projections.sums_by_drain_and_run import QuarterSums, Work
from autopack.values.money import Usd, pico

NO_WORK: Final = Work()
UNKNOWN: Final = "unknown"
UNANSWERED: Final = frozenset({
    "rate_limited", "usage_limit", "overloaded", "connection", "auth", "quota", "invalid_request",
    "boundary",
})  # fmt: skip
"""The classes of failures by which it is known that no call was answered."""
_GIVEN_UP: Final = frozenset({"released", "cancelled"})


@attrs.frozen(kw_only=True)
class AttemptRow:
    """
    One attempt, one imported pair, or one call that belongs to no attempt.

    Args:
        position: Where the prediction stands in the log; without one, the first thing told.
        lease_token, worker, drain, account, executor, claimed_model, claimed_us: As it was
            claimed; None for an imported one. The claim's time is in microseconds since 1970, by
            the log's clock.
        capped: The units of the caps that it was claimed under.
        scopes: The caps of its phase and its day, under which it is counted.
        reserved_tokens, reserved_usd: What was set aside for it.
        assumed_usd: What stands for the price of a call that nobody knows; *reserved_usd* without.
        estimates: How many events gave a prediction; the last before any call is used.
        paired_output_tokens: The measurement of an imported pair.
        model: The model that answered last; that which was asked for, before one did.
        calls: Its calls, late ones included, by provider and id.
        use: Sums over its calls.
        built: Sums over the calls that its prediction is measured by: the builder's, not late.
        ending: How it ended, in one word; None while it is in work.
        success: None while the attempt runs, when it was given up, while it waits at a gate, and
            when it was sent back from there; a gate's answer is its own, and so is what a check or
            a person says afterwards: the last word counts.
        verdict: ``right`` or ``wrong``, as a check or a person said last; None if nobody did.
        judged_by: Who said so.
        ended_position: Where its outcome stands in the log.
        failure_class, reason_code: Of its failure.
        alike: What its failure is counted under: the fingerprint, or the code.
        message: What its failure said.
        is_misread: Whether some of its usage could not be read.
        is_denied: Whether its program was denied the use of a tool.
        is_submitted: Whether its work was left with a provider that answers later, and is paid for
            it whatever becomes of the attempt.
    """

    position: int
    run_id: str | None = None
    phase_id: str | None = None
    attempt: int | None = None
    lease_token: str | None = None
    worker: str | None = None
    drain: str | None = None
    account: str | None = None
    executor: str | None = None
    claimed_model: str | None = None
    claimed_us: int | None = None
    capped: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    reserved_tokens: int | None = None
    reserved_usd: Usd | None = None
    assumed_usd: Usd | None = None
    category: str = UNKNOWN
    complexity: str = UNKNOWN
    estimates: int = 0
    predicted_output_tokens: int | None = None
    paired_output_tokens: int | None = None
    budget_tokens: int | None = None
    ceiling_tokens: int | None = None
    estimator: str | None = None
    estimator_version: str | None = None
    model: str | None = None
    deliverables: int | None = None
    features: Mapping[str, Any] = attrs.Factory(dict)
    is_test: bool = False
    is_imported: bool = False
    source_category: str | None = None
    source_split: str = MEASURED
    source_truncated: bool = False
    calls: Mapping[str, Call] = attrs.Factory(dict)
    use: Use = attrs.Factory(Use)
    built: Use = attrs.Factory(Use)
    by_quarter: Mapping[str, QuarterSums] = attrs.Factory(dict)
    ending: str | None = None
    success: bool | None = None
    ended_position: int | None = None
    duration_s: float | None = None
    failure_class: str | None = None
    reason_code: str | None = None
    alike: str | None = None
    message: str | None = None
    zero_yield_reason: str | None = None
    is_misread: bool = False
    is_denied: bool = False
    is_submitted: bool = False
    verdict: str | None = None
    judged_by: str | None = None

    @property
    def actual_output_tokens(self) -> int | None:
        """Summed output of the builder's calls; None if one is unmeasured or some unreadable."""
        if self.is_imported:
            return self.paired_output_tokens
        return self.built.measured_output_tokens if self.is_measured else None

    @property
    def is_measured(self) -> bool:
        """Whether the output of each of its builder calls was measured, and there was one."""
        return 0 < self.built.calls == self.built.measured_calls and not self.is_misread

    @property
    def split(self) -> str:
        """How the least well known figure was come by."""
        return self.source_split if self.is_imported else self.built.weakest_split

    @property
    def truncated(self) -> bool:
        """Whether an output was cut."""
        return self.source_truncated or self.built.cut_calls > 0

    @property
    def late_calls(self) -> int:
        """Builder calls that came after the lease was lost; not in the measured output."""
        return sum(call.late and call.role == BUILDER for call in self.calls.values())

    @property
    def is_met(self) -> bool:
        """Whether the prediction has a measured figure beside it."""
        return self.predicted_output_tokens is not None and self.actual_output_tokens is not None

    @property
    def is_sample(self) -> bool:
        """Whether a calibrator may be shown it: imported, or predicted and at least one call."""
        is_tried = self.is_imported or self.built.calls > 0
        return self.predicted_output_tokens is not None and is_tried

    @property
    def is_won(self) -> bool:
        """Whether it is a sample that can teach: its attempt completed."""
        return self.is_met and self.success is True

    @property
    def is_silent(self) -> bool:
        """Whether it ended as one that may have made calls of which nobody told."""
        if self.ending is None or (self.ending in _GIVEN_UP and not self.is_submitted):
            return False
        is_refused = self.failure_class in UNANSWERED
        return self.is_misread or not (self.use.calls or is_refused)

    @property
    def is_unmetered(self) -> bool:
        """Whether it was under a cap, and did not tell all that it used."""
        is_unpriced = "usd" in self.capped and self.use.calls_without_cost > 0
        is_untold = self.use.calls_without_total > 0 or self.is_silent or is_unpriced
        return bool(self.capped) and is_untold and self.ending not in (None, "released")

    @property
    def charged_tokens(self) -> int:
        """What it uses of a cap: its tokens, and what stands for those that nobody told."""
        untold = self.use.calls_without_total + self.is_silent
        return self.use.total_tokens + untold * (self.reserved_tokens or 0)

    @property
    def charged_usd(self) -> Usd:
        """What it uses of a cap in USD: its cost, and what stands for prices that nobody knows."""
        each = self.reserved_usd if self.assumed_usd is None else self.assumed_usd
        untold = self.use.calls_without_cost + self.is_silent
        return Usd.of_pico(self.use.cost_pico_usd + untold * pico(each))


def work_of(row: AttemptRow | None) -> Work:
    """Return what one attempt adds to the account."""
    if row is None:
        return NO_WORK
    is_worked = row.duration_s is not None
    return Work(
        attempts=int(row.lease_token is not None),
        endings={} if row.ending is None else {row.ending: 1},
        use=row.use,
        worked_us=round((row.duration_s or 0.0) * 1e6) if is_worked else 0,
        estimates=row.estimates,
        samples=int(row.is_met),
        samples_won=int(row.is_won),
        unreadable=int(row.is_misread),
        denied=int(row.is_denied),
        unmetered=int(row.is_unmetered),
        assumed_tokens=row.charged_tokens - row.use.total_tokens,
        assumed_pico_usd=row.charged_usd.pico - row.use.cost_pico_usd,
        zero_yield={} if row.zero_yield_reason is None else {row.zero_yield_reason: 1},
        failures={} if row.alike is None else {row.alike: 1},
    )
