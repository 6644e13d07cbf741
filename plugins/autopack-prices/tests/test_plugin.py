"""The hooks, in drains and on the command line."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

import autopack
from autopack import PhaseSpec, load_plugins
from autopack.errors import DrainRefusedError

MARCH, JULY = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)


def execute(phase, attempt):
    """Tell tokens, and no cost."""
    attempt.record_usage(
        call_id=phase.key, model="m-small-2", input_tokens=400_000, output_tokens=200_000
    )


@pytest.fixture
def log(tmp_path):
    with autopack.create_log(tmp_path / "work.db") as log:
        given = {"category": "docs", "complexity": "low", "prompt_tokens": 400_000}
        phases = [PhaseSpec(f"p{n}", model="m-small-2", **given) for n in range(4)]
        autopack.create_run(log, "r", phases)
        yield log


def test_it_is_found_by_its_entry_point():
    """Installed means priced, guarded, and one command more, without a fault."""
    (info,) = [i for i in load_plugins().infos if i.distribution == "autopack-prices"]

    assert ((), 3) == (info.faults, len(info.provides))
    assert {"hook autopack_price_usage", "hook autopack_guard_drain", "prices genai"} == {
        *info.provides
    }


class TestDrains:
    """What a table changes for a drain."""

    def test_a_cap_in_usd_is_kept(self, log, table, monkeypatch):
        """A phase is claimed while its price fits, though no provider reports one."""
        monkeypatch.setenv("AUTOPACK_PRICES", str(table))
        report = autopack.drain(log, executor=execute, max_usd=0.8)

        assert (2, "limit") == (report.completed, report.reason)
        assert 0.7 == pytest.approx(float(report.cost_usd))

    def test_a_forecast_is_priced(self, log, table, monkeypatch):
        """Without a file of its own."""
        before = autopack.forecast(log)
        monkeypatch.setenv("AUTOPACK_PRICES", str(table))
        after = autopack.forecast(log)

        assert (4, 0) == (before.whole.unpriced, after.whole.unpriced)

    def test_without_a_table_nothing_is_priced(self, log):
        """Installed and not used, it changes nothing."""
        report = autopack.drain(log, executor=execute)

        assert (4, 0.0) == (report.completed, report.cost_usd)

    def test_a_table_that_cannot_be_read_refuses_the_drain(self, log, tmp_path, monkeypatch):
        """Before anything is written, and it is said which variable named it."""
        monkeypatch.setenv("AUTOPACK_PRICES", str(tmp_path / "absent.toml"))
        before = log.head()

        with pytest.raises(DrainRefusedError, match=r"AUTOPACK_PRICES: .*absent\.toml cannot"):
            autopack.drain(log, executor=execute)
        assert before == log.head()


def test_a_call_of_march_has_the_price_of_march(log, table, monkeypatch):
    """Whenever it is recorded; the table and its version stand beside the cost."""
    monkeypatch.setenv("AUTOPACK_PRICES", str(table))

    def late(_phase, attempt):
        size = {"input_tokens": 1_000_000, "output_tokens": 0}
        for n, moment in enumerate((MARCH, JULY)):
            attempt.record_usage(call_id=f"{n}", model="m-large", occurred_at=moment, **size)

    autopack.drain(log, executor=late, max_phases=1)
    calls = [one.event for one in log.read_all() if one.type == "llm.usage_recorded"]

    assert [3, 1] == [call.cost_usd for call in calls]
    assert all(call.price_table.startswith("prices.toml sha256:") for call in calls)


def test_the_plugin_is_light():
    """Loading it loads neither the table's reader nor the command."""
    code = (
        "import sys, autopack_prices.plugin; "
        "print([m for m in ('cattrs', 'click', 'autopack_prices.tables') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
