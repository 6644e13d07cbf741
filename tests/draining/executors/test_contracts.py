"""The library's own executors keep the promises of all."""

import sys

from autopack import PhaseSpec
from autopack.draining.executors.command import CommandExecutor
from autopack.draining.executors.recorded import RecordedExecutor
from autopack.testing.executors import ExecutorContract

QUIET = {"zero_usage_share": 0, "truncated_share": 0, "latency_scale": 0}


class TestRecorded(ExecutorContract):
    """It calls no model; with these shares nothing fails."""

    def make(self):
        return RecordedExecutor(failure_share=0, **QUIET)


class TestCommand(ExecutorContract):
    """It runs a program, here one that says its argument; without one it says what is missing."""

    def make(self):
        return CommandExecutor([sys.executable, "-c", "import sys; print(sys.argv[1])", "{goal}"])

    def failing(self):
        return PhaseSpec("p", category="docs", complexity="low")
