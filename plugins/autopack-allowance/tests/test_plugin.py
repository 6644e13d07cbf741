"""The strategy under its name, for the library and for the command line."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

import autopack
from autopack import PhaseSpec, load_plugins
from autopack.cli.main import autopack as command
from autopack_allowance import Allowance


@pytest.fixture
def log_path(tmp_path, monkeypatch):
    monkeypatch.delenv("AUTOPACK_LOG", raising=False)
    path = tmp_path / "work.db"
    with autopack.create_log(path) as log:
        autopack.create_run(log, "r", [PhaseSpec("p1", category="docs", complexity="low")])
    return path


def drain(log_path, *options):
    arguments = ["--log", str(log_path), "drain", "--executor", "recorded", "--dry-run", *options]
    return CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False)


def test_it_is_found_by_its_entry_point():
    """Installed means registered, without a fault."""
    registry = load_plugins()
    (info,) = [info for info in registry.infos if info.distribution == "autopack-allowance"]

    assert (("strategy allowance",), ()) == (info.provides, info.faults)
    assert Allowance is registry.known("strategy")["allowance"]


def test_the_command_line_takes_it_by_name(log_path, monkeypatch):
    """Its settings come from the environment."""
    monkeypatch.setenv("AUTOPACK_ALLOWANCE_TOKENS", "1000")
    found = drain(log_path, "--strategy", "allowance")

    assert ["first of 1 ready"] == [planned["reason"] for planned in json.loads(found.stdout)]


def test_without_settings_the_drain_is_refused(log_path, monkeypatch):
    """Exit 2, a message that names the variables, and nothing is done."""
    monkeypatch.delenv("AUTOPACK_ALLOWANCE_TOKENS", raising=False)
    monkeypatch.delenv("AUTOPACK_ALLOWANCE_QUIET", raising=False)
    found = drain(log_path, "--strategy", "allowance")

    assert (2, "") == (found.exit_code, found.stdout)
    assert "AUTOPACK_ALLOWANCE_TOKENS" in found.stderr


def test_a_file_may_hold_the_settings(log_path, tmp_path):
    """`file.py:name` names a strategy that was made there."""
    file = tmp_path / "mine.py"
    file.write_text(
        "from autopack_allowance import Allowance\n\nmine = Allowance(daily_tokens=1000)\n",
        encoding="utf-8",
    )
    found = drain(log_path, "--strategy", f"{file}:mine")

    assert 1 == len(json.loads(found.stdout))


def test_the_plugin_is_light():
    """Loading it loads no time zones and not the strategy."""
    code = (
        "import sys, autopack_allowance.plugin; "
        "print([m for m in ('zoneinfo', 'autopack_allowance.strategy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
