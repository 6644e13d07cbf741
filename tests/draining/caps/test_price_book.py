"""What calls cost in a drain: by a table, by what was reported before, or as somebody assumes."""

from decimal import Decimal

import pytest
from click.testing import CliRunner

from autopack import (
    Drain,
    amend_usage,
    attempt,
    create_run,
    drain,
    forecast,
    get_caps,
    open_log,
    read_prices,
)
from autopack.cli.main import autopack as command
from autopack.errors import InvalidInputError
from drains import found, specs, states

TABLE = """
[[prices]]
model = "m"
aliases = ["em"]
since = 2026-01-01
input = 100.0
output = 1000.0

[[prices.tiers]]
above = 1000
input = 200.0
output = 2000.0
"""


@pytest.fixture
def prices(tmp_path):
    """A table: a tenth of a dollar for a thousand tokens in, a dollar for a thousand out."""
    path = tmp_path / "prices.toml"
    path.write_text(TABLE, encoding="utf-8")
    return read_prices(path)


def tells(model="m", output_tokens=1000, **figures):
    """An executor whose phases make a call of a model, and tell tokens."""

    def execute(_phase, attempt):
        attempt.record_usage(model=model, input_tokens=1000, output_tokens=output_tokens, **figures)

    return execute


def reports(usd):
    """An executor whose calls report a cost."""
    return tells(cost_usd=usd)


def test_a_table_prices_calls_and_what_they_set_aside(any_log, prices):
    """The cap is kept by it, and each call has its price in the log."""
    create_run(any_log, "r", specs(*"abcd", model="em", prompt_tokens=1000))
    report = drain(any_log, executor=tells("provider/em"), prices=prices, max_usd=3)
    calls = found(any_log, "llm.usage_recorded")

    assert ("limit", 0) == (report.reason, report.unpriced_calls)
    assert {(Decimal("1.1"), "computed")} == {(c.cost_usd, c.cost_source) for c in calls}
    assert report.cost_usd <= 3


def test_what_was_reported_goes_before_a_table(any_log, prices):
    """The provider knows best."""
    create_run(any_log, "r", specs("a", model="m"))
    drain(any_log, executor=reports(0.5), prices=prices)

    assert [(Decimal("0.5"), "reported")] == [
        (call.cost_usd, call.cost_source) for call in found(any_log, "llm.usage_recorded")
    ]


def test_reported_costs_price_what_follows(any_log):
    """One phase whose executor reports its cost, and a cap in USD can be kept without a table."""
    create_run(any_log, "r", specs(*"abcdef", model="m"))
    drain(any_log, executor=reports(0.5), max_phases=1)
    report = drain(any_log, executor=reports(0.5), max_usd=1.6)
    claims = found(any_log, "phase.claimed")

    assert (None, True) == (claims[0].reserved_usd, claims[1].reserved_usd > 0)
    assert report.cost_usd <= Decimal("1.6")
    assert "limit" == report.reason


def test_a_drain_learns_prices_as_it_goes(any_log):
    """Once the first call has reported its cost, the next claims are made with it."""
    create_run(any_log, "r", specs(*"abc", model="m"))
    drain(any_log, executor=reports(0.5), max_usd=50, allow_unknown_price=True)
    first, *later = [claim.reserved_usd for claim in found(any_log, "phase.claimed")]

    assert first is None
    assert all(usd is not None and usd > 0 for usd in later)


def test_plan_forecast_and_drain_name_one_price(any_log):
    """They ask the same book."""
    create_run(any_log, "old", specs("a", model="m"))
    drain(any_log, executor=reports(0.5))
    create_run(any_log, "r", specs("b", model="m"))
    (planned,) = Drain(any_log, executor=tells()).plan()
    told = forecast(any_log, run_id="r")

    assert planned.predicted_usd is not None
    assert 0 == told.whole.unpriced


@pytest.mark.parametrize("where", ["run", "drain"])
def test_without_any_price_a_drain_under_a_cap_in_usd_does_not_begin_a_phase(any_log, where):
    """Whoever has the cap, the reason is the price, and it is no clean end."""
    create_run(any_log, "r", specs("a", model="odd"), caps={"usd": 3} if where == "run" else None)
    limits = {} if where == "run" else {"max_usd": 3}
    report = drain(any_log, executor=tells(), **limits)

    assert (0, "price_unknown", False) == (report.attempts, report.reason, report.is_clean)
    assert "QUEUED" == states(any_log)["a"]


def test_what_is_assumed_for_a_call_counts_for_each(any_log):
    """Of a model that nobody knows; in the account such calls have no price."""
    create_run(any_log, "r", specs(*map(str, range(20)), model="odd"))
    report = drain(any_log, executor=tells("odd"), max_usd=3, assume_usd_per_call="0.5", workers=4)

    assert (6, 6, 0, Decimal(3)) == (
        report.completed, report.unpriced_calls, report.cost_usd, report.assumed_usd,
    )  # fmt: skip


def test_what_is_assumed_for_a_call_stops_a_loop_of_them(any_log):
    """A phase that makes many is stopped at the cap, by the call that goes above it."""
    create_run(any_log, "r", specs("a", model="odd", max_attempts=1))

    def loops(_phase, attempt):
        for _ in range(100):
            attempt.record_usage(model="odd")

    drain(any_log, executor=loops, max_usd=3, assume_usd_per_call=0.5)

    assert 7 == len(found(any_log, "llm.usage_recorded"))
    assert ["cap_reached"] == [event.code for event in found(any_log, "phase.failed")]


def test_an_own_loop_may_have_a_table_too(any_log, prices):
    """And what is assumed for calls of which it says nothing."""
    create_run(any_log, "r", specs("a", "b", model="m"), caps={"usd": 100})
    with attempt(any_log, "r/a", prices=prices) as live:
        live.record_usage(model="m", input_tokens=1000, output_tokens=1000)
    with attempt(any_log, "r/b", assume_usd_per_call=2) as live:
        live.record_usage(model="odd")
    used = next(one.used for one in get_caps(any_log, "r") if one.unit == "usd")

    assert Decimal("3.1") == used


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"assume_usd_per_call": 0}, "assume_usd_per_call is 0"),
        ({"assume_usd_per_call": -1}, "assume_usd_per_call: "),
        ({"prices": "prices.toml"}, "read_prices"),
    ],
)
def test_settings_that_cannot_be_are_refused(any_log, settings, says):
    """By name, before anything is written."""
    with pytest.raises(InvalidInputError, match=says):
        drain(any_log, executor=tells(), **settings)


def test_a_drain_goes_on_with_its_prices(log_path, prices):
    """They are in the log, whatever became of the file; so is what was assumed."""
    executor = f"{__file__}:work"
    with open_log(log_path) as log:
        create_run(log, "r", specs("a", "b", model="m"))
        drain(
            log, executor=executor, prices=prices, assume_usd_per_call=2, max_usd=50, max_phases=1
        )
        drain(log, resumes="last", max_phases=5)
        calls = found(log, "llm.usage_recorded")

    assert [Decimal("1.1"), Decimal("1.1")] == [call.cost_usd for call in calls]


def test_an_amended_call_is_priced_by_the_table_of_its_drain(any_log, prices):
    """Whoever amends it has no need of the file."""
    create_run(any_log, "r", specs("a", model="m"), caps={"usd": 90})
    drain(any_log, executor=tells(call_id="c"), prices=prices)
    amend_usage(any_log, call_id="c", why="bill", output_tokens=2000)
    used = next(one.used for one in get_caps(any_log, "r") if one.unit == "usd")

    assert [Decimal("2.1")] == [event.cost_usd for event in found(any_log, "llm.usage_amended")]
    assert Decimal("2.1") == used


def test_the_command_says_what_is_promised_without_a_price(log_path):
    """Before it begins, and in its report what stood for what nobody knew."""
    with open_log(log_path) as log:
        create_run(log, "own", specs("a", model="odd"))
    words = [
        "--log", str(log_path), "drain", "--run-id", "own", "--executor", f"{__file__}:odd",
        "--max-usd", "3",
    ]  # fmt: skip
    refused = CliRunner().invoke(command, words)
    told = CliRunner().invoke(command, [*words, "--assume-usd-per-call", "0.5"])

    assert 1 == refused.exit_code
    assert "--prices FILE, --assume-usd-per-call USD, or --allow-unknown-price" in refused.stdout
    assert "Note: caps in USD count 0.5 USD for each call whose price nobody knows" in told.stderr
    assert "1 attempt did not tell all; 0.50 USD stand for it in the cap" in told.stdout


work, odd = tells(), tells("odd")
