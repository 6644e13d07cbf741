"""Usage totals: tokens and cost by run, model, role and category; guessed and late kept apart."""

from typing import Any, Final

import attrs

from autopack.events import LlmUsageAmended, LlmUsageRecorded
from autopack.events.usage import amended_figures
from autopack.ports.log import Recorded

_AMENDED: Final = ("input_tokens", "output_tokens", "total_tokens", "cost_usd", "split")


@attrs.frozen(kw_only=True)
class CallRow:
    """One call's figures as last reported; None is unknown. Tokens, USD."""

    call_id: str
    run_id: str | None = None
    phase_id: str | None = None
    attempt: int | None = None
    role: str = "builder"
    provider: str | None = None
    model: str | None = None
    split: str = "measured"
    late: bool = False
    amended: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cost_usd: float | None = None
    cost_source: str = "unknown"
    truncated: bool | None = None


@attrs.frozen(kw_only=True)
class UsageTotal:
    """
    Sums over calls. A figure that no call reported adds nothing and is counted as unknown.

    ``measured_output_tokens`` sums only calls whose split was measured.
    """

    calls: int = 0
    late_calls: int = 0
    total_tokens: int = 0
    unknown_total: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    measured_output_tokens: int = 0
    inferred_output_tokens: int = 0
    cost_usd: float = 0.0
    unknown_cost: int = 0
    by_split: dict[str, int] = attrs.Factory(dict)

    def add(self, row: CallRow, sign: int = 1) -> "UsageTotal":
        """Return the sums with one call more, or less."""
        total = row.total_tokens
        if total is None and row.input_tokens is not None and row.output_tokens is not None:
            total = row.input_tokens + row.output_tokens
        output = sign * (row.output_tokens or 0)
        splits = {**self.by_split, row.split: self.by_split.get(row.split, 0) + sign}
        return UsageTotal(
            calls=self.calls + sign,
            late_calls=self.late_calls + sign * row.late,
            total_tokens=self.total_tokens + sign * (total or 0),
            unknown_total=self.unknown_total + sign * (total is None),
            input_tokens=self.input_tokens + sign * (row.input_tokens or 0),
            output_tokens=self.output_tokens + output,
            measured_output_tokens=self.measured_output_tokens
            + (output if row.split == "measured" else 0),
            inferred_output_tokens=self.inferred_output_tokens
            + (output if row.split == "inferred" else 0),
            cost_usd=self.cost_usd + sign * (row.cost_usd or 0.0),
            unknown_cost=self.unknown_cost + sign * (row.cost_usd is None),
            by_split={split: n for split, n in splits.items() if n},
        )


class UsageCalls:
    """Every recorded call by provider and call id, with the sums over all of them."""

    name: Final = "usage"
    version: Final = 1
    types: Final[tuple[type, ...]] = (LlmUsageRecorded, LlmUsageAmended)
    row_type: Final = CallRow
    total_type: Final = UsageTotal

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return ``PROVIDER:CALL_ID``."""
        return f"{recorded.event.provider or ''}:{recorded.event.call_id}"

    def project(self, row: CallRow | None, recorded: Recorded[Any]) -> CallRow | None:
        """Return the call after the event."""
        event = recorded.event
        if isinstance(event, LlmUsageAmended):
            return None if row is None else _amended(row, event)
        return CallRow(
            call_id=event.call_id,
            run_id=event.run_id,
            phase_id=event.phase_id,
            attempt=event.attempt,
            role=event.role,
            provider=event.provider,
            model=event.response_model or event.request_model,
            split=event.split,
            late=event.late,
            input_tokens=event.input_tokens,
            output_tokens=event.output_tokens,
            total_tokens=event.total_tokens,
            cost_usd=event.cost_usd,
            cost_source=event.cost_source,
            truncated=event.truncated,
        )

    def initial_total(self) -> UsageTotal:
        """Return the sums of no calls."""
        return UsageTotal()

    def total(self, total: UsageTotal, before: CallRow | None, after: CallRow | None) -> UsageTotal:
        """Return the sums after one call changed."""
        if before is not None:
            total = total.add(before, -1)
        return total if after is None else total.add(after)


def totals_by(rows: Any, field: str) -> dict[str, UsageTotal]:
    """Return the sums by the value of one field of the calls (``run_id``, ``model``, ``role``)."""
    totals: dict[str, UsageTotal] = {}
    for row in rows:
        value = getattr(row, field) or "(unknown)"
        totals[value] = totals.get(value, UsageTotal()).add(row)
    return dict(sorted(totals.items()))


def _amended(row: CallRow, event: LlmUsageAmended) -> CallRow:
    given = {name: figure for name, figure in amended_figures(event).items() if name in _AMENDED}
    return attrs.evolve(row, **given, amended=row.amended + 1)


USAGE: Final = UsageCalls()
