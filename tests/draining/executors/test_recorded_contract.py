"""The executor `recorded` keeps the promises of every executor."""

from autopack.draining.executors.recorded import RecordedExecutor
from autopack.testing.executors import ExecutorContract

QUIET = {"zero_usage_share": 0, "truncated_share": 0, "latency_scale": 0}


class TestRecorded(ExecutorContract):
    """It calls no model; with these shares nothing fails."""

    def make(self):
        return RecordedExecutor(failure_share=0, **QUIET)
