"""One figure, wherever it is shown: what a log's calls cost, to the pico-dollar."""

import csv
import json
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

import autopack
from autopack import PhaseSpec
from autopack.cli.main import autopack as command
from autopack.prediction.calibration.price_entry import LongInputPrice, PriceEntry
from autopack.prediction.calibration.price_table import PriceTable

MARCH, JULY = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
PICO = 10**12
TABLE = PriceTable(
    name="ours",
    entries=(
        PriceEntry(
            model="m", since="2026-01-01", input="3.000001", output=15, cache_read="0.3",
            tiers=(LongInputPrice(above=200_000, input=6, output="22.5"),),
        ),
        PriceEntry(model="m", since="2026-06-01", input="0.0000007", output="0.333333"),
    ),
)  # fmt: skip
PRICES = {MARCH: ("3.000001", "0.3", "15"), JULY: ("0.0000007", "0.0000007", "0.333333")}
LONG = ("6", "6", "22.5")

COUNTS = st.integers(999, 150_000) | st.integers(999, 3 * 10**6)
CALLS = st.lists(
    st.fixed_dictionaries({
        "phase": st.sampled_from("ab"),
        "model": st.sampled_from(["m", "m", "unheard"]),
        "at": st.sampled_from([MARCH, JULY]),
        "input_tokens": COUNTS,
        "output_tokens": COUNTS,
        "cache_read_tokens": st.integers(0, 999),
        "cost_usd": st.sampled_from([None, None, "0.1", "0.000000000001"]),
        "amended": st.sampled_from(
            [{}, {}, {"output_tokens": 77}, {"cost_usd": "0.2"}, {"input_tokens": 250_000}]
        ),
    }),
    max_size=6,
)  # fmt: skip


def by_hand(call):
    """What a call costs, reckoned from what was told of it; None where nobody knows."""
    told = {**call, **call["amended"]}
    if told["cost_usd"] is not None:
        return Fraction(told["cost_usd"])
    if told["model"] == "unheard":
        return None
    given_, read = told["input_tokens"], told["cache_read_tokens"]
    is_long = told["at"] == MARCH and given_ > 200_000
    prices = [Fraction(one) for one in (LONG if is_long else PRICES[told["at"]])]
    exact = (given_ - read) * prices[0] + read * prices[1] + told["output_tokens"] * prices[2]
    return Fraction(round(exact / 10**6 * PICO), PICO)


def recorded(folder, calls):
    """Return a log of a drain that made these calls, some of which were amended later."""
    log = autopack.create_log(Path(folder, "work.db"))
    autopack.create_run(log, "r", [PhaseSpec("a", model="m"), PhaseSpec("b", model="m")])

    def work(phase, attempt):
        for n, call in enumerate(calls):
            if call["phase"] == phase.phase_id:
                names = ("model", "input_tokens", "output_tokens", "cache_read_tokens", "cost_usd")
                told = {name: call[name] for name in names}
                attempt.record_usage(call_id=f"c{n}", occurred_at=call["at"], **told)

    report = autopack.drain(log, executor=work, prices=TABLE)
    before = sum((by_hand({**call, "amended": {}}) or 0) for call in calls)
    assert before == Fraction(report.cost_usd)
    for n, call in enumerate(calls):
        if call["amended"]:
            autopack.amend_usage(log, call_id=f"c{n}", why="the bill", **call["amended"])
    return log


def from_events(log):
    """The last cost that each call's events tell."""
    costs = {}
    for one in log.read_all():
        if one.type in ("llm.usage_recorded", "llm.usage_amended"):
            known = costs.get(one.event.call_id)
            costs[one.event.call_id] = known if one.event.cost_usd is None else one.event.cost_usd
    return sum(Fraction(cost) for cost in costs.values() if cost is not None)


def from_csv(log):
    """What the exported rows come to."""
    path = Path(log.target).with_name("usage.csv")
    autopack.export_history(log, "csv", path)
    with path.open(encoding="utf-8", newline="") as file:
        return sum(Fraction(row["cost_usd"] or 0) for row in csv.DictReader(file))


def from_sql(log):
    """What SQL sums of the view."""
    with closing(sqlite3.connect(log.target)) as database:
        (pico,) = database.execute("SELECT sum(cost_pico_usd) FROM v_llm_usage").fetchone()
    return Fraction(pico or 0, PICO)


def from_command(log, *words):
    """What a command prints as JSON."""
    done = CliRunner().invoke(command, ["--log", log.target, *words, "--json"])
    assert 0 == done.exit_code, done.output
    return json.loads(done.stdout, parse_float=Decimal)


def check_places(log, calls):
    """Events, usage by any key, status, the report, caps, CSV and SQL show what they come to."""
    known = [by_hand(call) for call in calls]
    expected = sum(cost for cost in known if cost is not None)
    usage, status = autopack.usage(log), autopack.status(log)
    report, shown = autopack.report_runs(log, "r"), from_command(log, "usage")["total"]
    (cap,) = [one for one in autopack.get_caps(log, "r") if one.unit == "usd"]
    shares = [
        sum(Fraction(row.cost_usd or 0) for row in autopack.usage(log, by=key).rows)
        for key in ("day", "phase", "model", "category", "provider", "role", "account")
    ]

    assert {expected} == {
        from_events(log), from_csv(log), from_sql(log), *shares,
        Fraction(usage.total.use.cost_usd), Fraction(shown["cost_usd"] or 0),
        Fraction(status.cost_usd), Fraction(from_command(log, "status")["cost_usd"]),
        Fraction(report.total.use.cost_usd), Fraction(report.runs[0].use.use.cost_usd),
    }  # fmt: skip
    assert {known.count(None)} == {
        usage.total.use.calls_without_cost, status.calls_without_cost,
        report.total.use.calls_without_cost, shown["calls_without_cost"],
    }  # fmt: skip
    if None not in known and {call["phase"] for call in calls} == {"a", "b"}:
        assert expected == Fraction(cap.used)  # with nothing that stands for what nobody told


def check_table(log, calls):
    """Repriced by the table in force, a call that it priced costs what is recorded of it."""
    usage = autopack.usage(log, by="phase", prices=TABLE)
    total, by_table = usage.repricing.total, []
    for call in calls:
        counts = {name: n for name, n in call["amended"].items() if name != "cost_usd"}
        by_table.append(by_hand({**call, "cost_usd": None, "amended": counts}))

    assert sum(one for one in by_table if one is not None) == Fraction(total.table_usd or 0)
    assert by_table.count(None) == total.unpriced_calls
    if not any("cost_usd" in call["amended"] or call["cost_usd"] for call in calls):
        assert usage.total.priced_usd == total.table_usd
        assert total.compared_usd == total.compared_table_usd
        assert () == usage.repricing.differences


EACH = [
    {"phase": phase, "model": "m", "at": at, "input_tokens": 200_001, "output_tokens": 7,
     "cache_read_tokens": 3, "cost_usd": None, "amended": amended}
    for phase, at, amended in (("a", MARCH, {}), ("b", JULY, {"output_tokens": 77}))
]  # fmt: skip


@settings(max_examples=8)  # each is a drain, on a disk
@given(calls=CALLS)
@example(calls=[])
@example(calls=EACH)
def test_every_place_shows_one_figure(calls):
    """Whatever was reported, computed, amended or never known; and the table shows it again."""
    with tempfile.TemporaryDirectory() as folder, recorded(folder, calls) as log:
        check_places(log, calls)
        check_table(log, calls)
