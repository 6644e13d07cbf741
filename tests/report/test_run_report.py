"""A morning's page: what it says first, and what it leaves out."""

from datetime import UTC, datetime, timedelta

from autopack.projections.call_use import Use
from autopack.projections.use_groups import UsageRow
from autopack.report.run_report import (
    CapLine,
    FailureKind,
    RunLine,
    RunsReport,
    report_json,
    report_sheet,
)
from autopack.report.sheet import sheet_text
from autopack.values.money import Usd

AT = datetime(2026, 3, 3, 6, tzinfo=UTC)


def used(cost="0.5", calls=2, without=0, model="m"):
    pico = Usd.of(cost).pico
    use = Use(calls=calls, total_tokens=900, cost_pico_usd=pico, calls_without_cost=without)
    return UsageRow(group={"model": model}, use=use)


def run(run_id="nightly", **states):
    return RunLine(
        run_id=run_id, status="OPEN", goal=None, phases_by_state=states or {"COMPLETE": 3},
        use=used(),
    )  # fmt: skip


def told(**fields):
    given = {"since": None, "runs": (run(),), "total": used(), "models": (used(),), **fields}
    report = RunsReport(target="work.db", log_id="01a2", position=9, at=AT, **given)
    return sheet_text(report_sheet(report), width=100)


def test_the_first_lines_say_how_it_went():
    """How much of how much, what became of the rest, what it cost."""
    text = told(runs=(run(COMPLETE=27, FAILED=2, GATED=1),), worked_s=120.0)

    assert text.startswith("nightly: 27 of 30 done  (work.db, position 9, ")
    assert "2 failed, 1 asks you; 0.50 USD; 2 min of work." == text.splitlines()[1]


def test_all_that_is_done_is_said_so():
    """And what is not known of the cost is unknown."""
    assert "all is done; cost unknown." == told(total=used("0", without=2)).splitlines()[1]
    assert "all is done; ≥ 0.50 USD." == told(total=used(without=1)).splitlines()[1]
    assert "all is done; no call." == told(total=UsageRow()).splitlines()[1]


def test_attempts_that_told_nothing_are_beside_the_cost():
    """It may be higher."""
    assert "0.50 USD (0.50 USD as providers reported it; 2 attempts told of no call)" in told(
        silent=2
    )


def test_caps_have_their_share():
    """The one that is nearest first, and no more than five."""
    caps = [CapLine(scope=f"run r{n}", unit="tokens", cap=1000, used=100 * n) for n in range(8)]
    text = told(caps=(*caps, CapLine(scope="run x", unit="usd", cap=Usd("2"), used=Usd("1.9"))))
    found = [line.split(None, 1)[1] for line in text.splitlines() if line.startswith("  cap ")]

    assert ["1.90 of 2.00 USD (95 %)", "700 of 1,000 tokens (70 %)"] == found[:2]
    assert 5 == len(found)


def test_what_there_is_none_of_has_no_heading():
    """No failures, no waits, one run, one model."""
    text = told()

    assert not any(
        title in text for title in ("What failed", "What waits", "Runs", "By model", "type next")
    )


def test_failures_waits_and_steps_have_theirs():
    """In this order."""
    kind = FailureKind(
        alike="x|y", failure_class="timeout", attempts=3, phases=2, use=used("0.1"),
        phase="nightly/p7", message="no answer",
    )  # fmt: skip
    text = told(
        failures=(kind,),
        waits=("nightly/p1 waits for your decision: why?",),
        steps=("autopack status",),
        runs=(run(), run("other")),
        models=(used(), used(model="n")),
    )
    places = [
        text.index(word)
        for word in ("Runs", "What it cost", "By model", "What failed", "What waits", "type next")
    ]

    assert sorted(places) == places
    assert "3       2  0.10  timeout  nightly/p7  no answer" in text


def test_many_runs_are_not_all_shown():
    """The last thirty, and how many there are; JSON has all."""
    runs = tuple(run(f"r{n}") for n in range(40))
    text = told(runs=runs)
    report = RunsReport(target="", log_id="", position=0, since=None, at=AT, runs=runs)

    assert "The last 30 of 40 runs" in text
    assert " r9 " not in text
    assert 40 == len(report_json(report)["runs"])


def test_nothing_that_happened_is_said():
    """In place of 0 of 0."""
    text = told(runs=(), total=UsageRow(), models=())

    assert "No phase was worked on." in text


def test_a_period_is_in_the_title():
    """In words of a day."""
    report = RunsReport(
        target="w", log_id="", position=0, since=AT - timedelta(days=30), at=AT, runs=(run(),)
    )

    assert report_sheet(report).title.startswith("Since 2026-02-01 ")
