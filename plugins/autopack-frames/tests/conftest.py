"""A log with two calls, for each test."""

import pytest

from autopack import PhaseSpec, attempt, create_log, create_run

BIG = "9007.199254740993"
"""Of so many pico-dollars no float tells the last one."""


@pytest.fixture
def log(tmp_path):
    """A log with two calls, of which one tells little."""
    with create_log(tmp_path / "log.db") as made:
        create_run(made, "r", [PhaseSpec("p", category="docs", complexity="low")])
        with attempt(made, "r/p") as work:
            work.record_usage(
                call_id="c-1", model="m", input_tokens=70, output_tokens=30, cost_usd=BIG
            )
            work.record_usage(call_id="c-2", model="m", output_tokens=5, cost_usd=0.2)
        yield made
