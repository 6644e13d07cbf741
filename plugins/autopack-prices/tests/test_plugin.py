"""The hooks, in drains and on the command line."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

import autopack
from autopack import ANY, NewEvent, PhaseSpec, load_plugins
from autopack.cli.main import autopack as command
from autopack.errors import DrainRefusedError
from autopack.events import LlmUsageAmended
from autopack.testing.facts import usage

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


def prices(log, *options):
    """Run ``autopack prices`` over a log."""
    return CliRunner().invoke(command, ["--log", log.target, "prices", *map(str, options)])


def test_it_is_found_by_its_entry_point():
    """Installed means priced, guarded, and one command more, without a fault."""
    (info,) = [i for i in load_plugins().infos if i.distribution == "autopack-prices"]

    assert ((), 3) == (info.faults, len(info.provides))
    assert {"hook autopack_price_usage", "hook autopack_guard_drain", "command prices"} == {
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


class TestCommand:
    """``autopack prices``."""

    @pytest.fixture
    def called(self, log):
        """A log with calls on two days: one amended, one of an unknown model, one reported."""
        million = {"input_tokens": 1_000_000, "output_tokens": 1_000_000}
        facts = [
            (MARCH, usage("c1", request_model="m-large", **million)),
            (JULY, usage("c2", request_model="m-large", cost_usd=9.0, **million)),
            (JULY, usage("c3", request_model="other", output_tokens=7)),
            (JULY, LlmUsageAmended(call_id="c1", why="late figures", output_tokens=2_000_000)),
        ]
        events = [NewEvent(event=fact, occurred_at=moment) for moment, fact in facts]
        log.append("phase-r/a", events, expected_version=ANY)
        return log

    def test_each_call_has_the_price_of_its_day(self, called, table):
        """Amended calls with their last figures; reported costs stand beside."""
        found = json.loads(prices(called, "--prices", table, "--json").stdout)

        assert [
            {
                "model": "m-large",
                "calls": 2,
                "input_tokens": 2_000_000,
                "output_tokens": 3_000_000,
                "reported_usd": 9.0,
                "table_usd": 33.0 + 6.0,
                "without_price": 0,
            },
            {
                "model": "other",
                "calls": 1,
                "input_tokens": 0,
                "output_tokens": 7,
                "reported_usd": None,
                "table_usd": None,
                "without_price": 1,
            },
        ] == found

    def test_the_table_for_people(self, called, table, monkeypatch):
        """The variable names the file too; what nobody knows is a dash."""
        monkeypatch.setenv("AUTOPACK_PRICES", str(table))
        lines = prices(called).stdout.splitlines()

        assert ["m-large", "2", "2,000,000", "3,000,000", "9.0000", "39.0000", "0"] == (
            lines[1].split()
        )
        assert ["other", "1", "0", "7", "-", "-", "1"] == lines[2].split()

    def test_it_writes_nothing(self, called, table):
        """Another price is another answer, not another log."""
        before = called.head()
        prices(called, "--prices", table)

        assert before == called.head()

    def test_without_calls_or_prices_it_says_so(self, log, table, tmp_path):
        """In a sentence; a wrong or missing table is exit 2."""
        empty, unnamed = prices(log, "--prices", table), prices(log)
        absent = prices(log, "--prices", tmp_path / "absent.toml")

        assert (0, "No calls are recorded.\n") == (empty.exit_code, empty.stdout)
        assert (2, 2) == (unnamed.exit_code, absent.exit_code)
        assert "set AUTOPACK_PRICES" in unnamed.stderr
        assert "absent.toml cannot be read" in absent.stderr


def test_the_plugin_is_light():
    """Loading it loads neither the table's reader nor the command."""
    code = (
        "import sys, autopack_prices.plugin; "
        "print([m for m in ('cattrs', 'click', 'autopack_prices.tables') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
