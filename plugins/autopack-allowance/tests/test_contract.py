"""The strategy keeps the promises of every strategy."""

from autopack.testing.strategies import StrategyContract
from autopack_allowance import Allowance


class TestAllowance(StrategyContract):
    """With an allowance that some views have used up."""

    def make(self):
        return Allowance(daily_tokens=500_000, zone="Europe/Berlin")


class TestQuietHours(StrategyContract):
    """With hours in which it waits, over midnight."""

    def make(self):
        return Allowance(quiet="18:00-09:30", zone="Asia/Kolkata")
