"""Caps that hold for every phase, and for every day: what they are called, and what they allow."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, Final

import attrs

from autopack.aggregates.cap import Amount
from autopack.ports.work import PhaseView
from autopack.projections.sums_by_drain_and_run import AccountTotal
from autopack.values.money import Usd


@attrs.frozen(kw_only=True)
class StandingCaps:
    """
    Caps by unit: of each phase that has none of its own, and of each day.

    Args:
        zone: Whose midnight begins a day.
    """

    per_phase: Mapping[str, Any] = attrs.Factory(dict)
    per_day: Mapping[str, Any] = attrs.Factory(dict)
    zone: tzinfo = UTC

    def of_phase(self, phase: PhaseView) -> dict[str, Any]:
        """Return a phase's caps: its own, and in other units those of all."""
        return {**self.per_phase, **given(tokens=phase.max_tokens, usd=phase.max_usd)}

    def day(self, now: datetime) -> str:
        """Return the scope of a moment's day."""
        return f"day-{now.astimezone(self.zone):%Y-%m-%d}@{self.zone}"

    def ends(self, now: datetime) -> datetime:
        """Return when the day of a moment ends."""
        return self._begins(now.astimezone(self.zone).date() + timedelta(days=1))

    def used_today(self, account: AccountTotal, now: datetime) -> Amount:
        """Return what calls of a moment's day used, as far as they told."""
        begins = self._begins(now.astimezone(self.zone).date())
        ends, found = self.ends(now), Amount()
        for quarter, sums in account.by_quarter.items():
            if begins <= datetime.fromisoformat(quarter) < ends:
                found += Amount(sums.tokens, Usd.of_pico(sums.pico_usd))
        return found

    def _begins(self, day: Any) -> datetime:
        return datetime.combine(day, time(), tzinfo=self.zone).astimezone(UTC)


NO_STANDING_CAPS: Final = StandingCaps()
"""None at all."""


def given(**caps: Any) -> dict[str, Any]:
    """Return the caps that there are."""
    return {unit: cap for unit, cap in caps.items() if cap is not None}
