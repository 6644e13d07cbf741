"""The built-in strategies keep the promises of every strategy."""

from autopack.draining.strategies.cascade import Cascade
from autopack.draining.strategies.explore import Explore
from autopack.draining.strategies.priority import priority
from autopack.draining.strategies.retry_failed import RetryFailed
from autopack.draining.strategies.triage import Triage
from autopack.testing.strategies import StrategyContract


class TestPriorityContract(StrategyContract):
    """`priority`."""

    def make(self):
        return priority


class TestTriageContract(StrategyContract):
    """`triage`."""

    def make(self):
        return Triage()


class TestRetryFailedContract(StrategyContract):
    """`retry-failed`."""

    def make(self):
        return RetryFailed()


class TestExploreContract(StrategyContract):
    """`explore`."""

    def make(self):
        return Explore()


class TestCascadeContract(StrategyContract):
    """`cascade`."""

    def make(self):
        return Cascade(models="small,large")
