"""Amounts of USD on the command line: taken digit by digit, and shown with all of their digits."""

import json
import re
from decimal import Decimal

import pytest

from autopack import attempt, open_log

EXPONENT = re.compile(r"usd[^,\n]*\d[eE][-+]?\d")

PAYS = """\
def pays(phase, attempt):
    attempt.record_usage(
        call_id=phase.phase_id, model="m", input_tokens=1, output_tokens=1, cost_usd="0.0000001"
    )
"""


def read(text):
    """Return a JSON document, in which numbers with a point are decimals."""
    return json.loads(text, parse_float=Decimal)


@pytest.fixture
def paid(cli, run_log):
    """A log whose two phases made three calls, of a dime, two, and a pico-dollar."""
    with open_log(run_log) as log:
        for phase, costs in (("p1", (0.1, 0.2)), ("p2", ("0.000000000001",))):
            with attempt(log, f"r/{phase}") as work:
                for number, cost in enumerate(costs):
                    work.record_usage(call_id=f"{phase}-{number}", model="m", cost_usd=cost)
    return run_log


def test_json_has_them_as_numbers(cli, paid):
    """With no digit more or less, and no exponent; an event's data is as it is stored."""
    exact = Decimal("0.300000000001")
    status = cli("--log", paid, "status", "--json").stdout
    caps = cli("--log", paid, "run", "cap", "r", "--json").stdout
    rows = cli("--log", paid, "replay", "--projection", "attempts", "--json").stdout
    history = read(cli("--log", paid, "history", "r", "--json").stdout)
    calls = [one["data"] for one in history if one["type"] == "llm.usage_recorded"]

    assert exact == read(status)["cost_usd"]
    assert [exact] == [one["used"] for one in read(caps) if one["unit"] == "usd"]
    assert '"cost_usd": 0.000000000001' in rows
    assert ["0.1", "0.2", "0.000000000001"] == [data["cost_usd"] for data in calls]
    assert [] == [text for text in (status, caps, rows) if EXPONENT.search(text)]


def test_text_has_no_exponent(cli, paid):
    """Nor digits that nobody gave."""
    caps = cli("--log", paid, "run", "cap", "r").stdout
    history = cli("--log", paid, "history", "r").stdout
    rows = cli("--log", paid, "replay", "--projection", "attempts").stdout

    assert "0.300000000001" in caps
    assert "cost_usd 0.1\n" in history
    assert "cost_usd 0.000000000001" in history
    assert [] == [text for text in (caps, history, rows) if EXPONENT.search(text)]


def test_a_cap_is_taken_digit_by_digit(cli, paid):
    """More digits than a float has are kept, shown and stored."""
    digits = "1234567.123456789012"
    cli("--log", paid, "run", "cap", "r", f"usd={digits}", "--why", "w")
    caps = read(cli("--log", paid, "run", "cap", "r", "--json").stdout)

    assert "1,234,567.123456789012" in cli("--log", paid, "run", "cap", "r").stdout
    assert [Decimal(digits)] == [one["cap"] for one in caps if one["unit"] == "usd"]
    assert f'"max_usd":"{digits}"' in cli("--log", paid, "log", "tail").stdout or digits in (
        cli("--log", paid, "log", "tail", "--json").stdout
    )


@pytest.mark.parametrize("given", ["0", "-1", "nan", "1e-13", "0.0000000000001", "1e8", "x"])
def test_what_is_no_cap_is_a_usage_error(cli, run_log, given):
    """Of a drain and of a run; exit 2, and nothing is written."""
    before = cli("--log", run_log, "log", "info", "--json").stdout
    drained = cli("--log", run_log, "drain", "--executor", "recorded", "--max-usd", given)
    capped = cli("--log", run_log, "run", "cap", "r", f"usd={given}", "--why", "w")

    assert (2, 2) == (drained.exit_code, capped.exit_code)
    assert "Traceback" not in drained.stderr + capped.stderr
    assert before == cli("--log", run_log, "log", "info", "--json").stdout


def test_a_drain_shows_what_it_cost(cli, run_log, tmp_path):
    """The report's JSON has all digits, and the drain's events the text of its cap."""
    (tmp_path / "pays.py").write_text(PAYS, encoding="utf-8")
    done = cli(
        "--log", run_log, "drain", "--executor", f"{tmp_path / 'pays.py'}:pays",
        "--max-usd", "0.30", "--allow-unknown-price", "--json",
    )  # fmt: skip
    tail = read(
        cli("--log", run_log, "log", "tail", "--after", "0", "--limit", "99", "--json").stdout
    )
    told = {one["type"]: one["data"] for one in tail}

    assert 0 == done.exit_code
    assert '"cost_usd": 0.0000002,' in done.stdout
    assert "0.3" == told["drain.started"]["settings"]["max_usd"]
    assert ("0.3", "0.0000002") == (
        told["cap.set"]["max_usd"], told["drain.stopped"]["totals"]["cost_usd"],
    )  # fmt: skip
