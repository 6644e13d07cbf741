"""The executor `command` keeps the promises of every executor."""

import sys

from autopack import CommandExecutor, PhaseSpec
from autopack.testing.executors import ExecutorContract
from autopack.testing.mutants.executors import Overnight

CALL = (
    "import json, sys; print(json.dumps({'type': 'autopack.usage', 'call_id': 'c', 'model': 'm',"
    " 'input_tokens': 10, 'output_tokens': 20})); sys.exit(sys.argv[1] == 'fail')"
)


class TestCommandContract(ExecutorContract):
    """A program that makes a call, and fails where its goal says so."""

    def make(self):
        return CommandExecutor([sys.executable, "-c", CALL, "{goal}"])

    def failing(self):
        return PhaseSpec("f", category="docs", complexity="low", goal="fail", max_attempts=1)


class TestOvernightContract(ExecutorContract):
    """One that leaves its work with a provider."""

    def make(self):
        """Return it."""
        return Overnight()
