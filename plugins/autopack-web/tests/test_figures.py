"""The figures of the pages are those of the library's own answers, now and as of any position."""

import json

import pytest
from click.testing import CliRunner

import autopack
from autopack.cli.main import autopack as command
from autopack.events import LlmUsageRecorded
from autopack.report.status import status_json
from autopack.values.json_text import json_text


def told(client, path, **query):
    """Return a page as JSON."""
    return client.get(path, params={**query, "format": "json"}).json()


def as_json(value):
    """Return what a program reads of a value."""
    return json.loads(json_text(value))


@pytest.mark.parametrize("at", [None, 9, 17, 30])
def test_the_first_page_tells_what_status_does(client, kept_log, at):
    """Field by field."""
    query = {} if at is None else {"at": at}
    page = told(client, "/", **query)["status"]
    expected = as_json(status_json(autopack.status(kept_log if at is None else kept_log.as_of(at))))

    assert {**page, "at": expected["at"]} == {name: expected[name] for name in page}


@pytest.mark.parametrize("at", [9, 17, 30])
def test_a_run_is_as_replay_has_it_at_that_position(client, kept_log, at):
    """Number by number: every phase's row, and what its attempts used."""
    page = told(client, "/run/nightly", at=at)
    phases = autopack.replay(kept_log, "phases", until=at).rows
    work = autopack.replay(kept_log, "attempts", until=at).total.by_run.get("nightly")

    assert len(page["phases"]) == sum(row.run_id == "nightly" for row in phases.values())
    for entry in page["phases"]:
        key = f"{entry['phase']['run_id']}/{entry['phase']['phase_id']}"
        assert entry["phase"] == as_json(phases[key])
    if work is not None:
        assert page["work"] == as_json(work)


@pytest.mark.parametrize("at", [None, 17])
def test_usage_is_what_usage_tells(client, kept_log, at):
    """By each of what calls are told apart by."""
    page = told(client, "/usage", **({} if at is None else {"at": at}))
    for table in page["tables"]:
        expected = autopack.usage(kept_log, by=table["by"], until=at)
        rows = expected.rows[::-1] if table["by"] == "day" else expected.rows

        assert table["rows"] == as_json(rows)
        assert page["total"] == as_json(expected.total)


def test_of_many_calls_the_account_tells_what_it_sums(client, log, monkeypatch):
    """By model, account and run, to the token; all are told apart where somebody asks."""
    log.append(
        "calls",
        [LlmUsageRecorded(call_id="own", request_model="m", account="a", total_tokens=7)],
        expected_version=0,
    )
    whole = told(client, "/usage")
    monkeypatch.setattr("autopack_web.pages.usage._CALLS_MOST", 1)
    some, asked = told(client, "/usage"), told(client, "/usage", every="call")

    untold = {"cache_read_tokens": 0, "cache_told_input_tokens": 0}
    assert {table["by"]: table["rows"] for table in some["tables"]} == {
        table["by"]: [{**row, **untold} for row in table["rows"]]
        for table in whole["tables"]
        if table["by"] in ("model", "account", "run")
    }
    spent = float(autopack.status(log).cost_usd)
    assert (some["spending"]["points"][-1][1], some["spending"]["scope"]) == (spent, None)
    assert (asked["tables"], asked["is_whole"]) == (whole["tables"], True)


def test_what_was_spent_ends_at_the_total(client, kept_log):
    """The last point over time is all that the run spent whose cap is drawn."""
    spending = told(client, "/usage")["spending"]

    (row,) = [r for r in autopack.usage(kept_log, by="run").rows if r.group["run"] == "nightly"]

    assert spending["points"][-1][1] == float(row.cost_usd)
    assert (spending["scope"], spending["caps"][0][1]) == ("run-nightly", 5)


def test_a_time_is_reckoned_from_when_the_page_is_of(client, kept_log):
    """The last hour is the log's, not this machine's: of the past, the hour before that."""
    head = kept_log.head().position
    early = next(r.position for r in kept_log.read_all() if r.stream == "run-second") - 1
    late = told(client, "/usage", since="-1h")
    then = told(client, "/usage", since="-1h", at=early)

    assert [row["group"] for row in by_run(late)] == [{"run": "second"}]
    assert [row["group"] for row in by_run(then)] == [{"run": "nightly"}]
    assert told(client, "/usage", since="-1h", at=head)["total"] == late["total"]


def by_run(page):
    """Return what a page of usage tells run by run."""
    return next(table["rows"] for table in page["tables"] if table["by"] == "run")


def test_failures_cost_what_their_attempts_used(client, kept_log):
    """The kind of the one failure, with what it used; standing no more after the requeue."""
    (kind,) = told(client, "/failures")["kinds"]
    (then,) = told(client, "/failures", at=kept_log.head().position - 1)["kinds"]
    of_kind = told(client, "/failures", kind=kind["alike"])

    assert (kind["attempts"], kind["phases"], then["phases"]) == (1, 0, 1)
    assert kind["use"]["use"]["cost_pico_usd"] == 250_000_000_000
    assert [one["phase"] for one in of_kind["failed"]] == ["nightly/fails"]


def test_what_changed_between_two_moments_is_what_diff_tells(client, kept_log):
    """The same phases, with how they stood before and after."""
    page = told(client, "/compare", since=9, until=30)["moments"]
    expected = {
        change.key: (
            None if change.before is None else change.before.status.value,
            change.after.status.value,
        )
        for change in autopack.diff(kept_log, "phases", at=9, to=30)
    }

    assert {one["phase"]: (one["before"], one["after"]) for one in page["changes"]} == expected


def test_two_runs_differ_as_compare_tells(client, kept_log):
    """All of it."""
    assert told(client, "/compare", a="nightly", b="second")["runs"] == as_json(
        autopack.compare(kept_log, "nightly", "second")
    )


def test_the_sentence_says_all_at_once(client):
    """Who works, who waits, what was spent of which cap."""
    page = told(client, "/")

    assert page["sentence"] == (
        "Nothing is at work; 1 waits for you; 1.25 USD spent, 1.00 of 5.00 under the caps of open "
        "runs; 1 queued, and nobody takes it."
    )
    assert [(one["kind"], one["phase"]) for one in page["needs"]] == [("gate", "nightly/asks")]


def test_each_attempt_is_on_the_timeline(client, kept_log):
    """With its worker and how it ended; those of an hour before were another time at work."""
    run = told(client, "/run/nightly")["timeline"]["stretches"]

    assert [(one["phase"], one["ending"]) for one in run][:3] == [
        ("nightly/works", "completed"),
        ("nightly/fails", "failed"),
        ("nightly/asks", "asks you"),
    ]
    assert told(client, "/")["timeline"]["left_off"] == 4


def test_a_phase_says_why_it_was_chosen_and_why_it_waits(client, log):
    """As the strategy said it beside the claim, and as drains said it last."""
    autopack.pause_run(log, "nightly", why="costs")
    autopack.drain(log, executor=lambda phase, attempt: None)
    (attempt,) = told(client, "/phase/nightly/works")["attempts"]
    waiting = told(client, "/phase/nightly/fails")["passed_over"]
    said = [one.event for one in log.read_all() if one.type == "drain.phase_selected"]

    assert attempt["chosen"] == said[0].reason
    assert [(one["reason"], one["count"]) for one in waiting] == [("its run is paused", 1)]
    assert told(client, "/phase/nightly/works")["passed_over"] == []


@pytest.mark.parametrize(("attempt", "n"), [(1, 1), (None, 0)])
def test_work_that_nobody_claimed_is_told_as_far_as_it_is_known(client, log, attempt, n):
    """An imported attempt with what it used; calls of none are counted, and stand below."""
    call = LlmUsageRecorded(
        run_id="old", phase_id="p", attempt=attempt, call_id="c", output_tokens=7, input_tokens=3
    )
    autopack.create_run(log, "old", [autopack.PhaseSpec("p")])
    log.append("phase-old/p", [call], expected_version=autopack.ANY)
    page = told(client, "/phase/old/p")

    assert [one["row"]["use"]["total_tokens"] for one in page["attempts"]] == [10] * n
    assert ("Nobody told which attempts" in client.get("/phase/old/p").text) is (n == 0)


def test_calibration_is_the_report_and_what_was_decided(client, log):
    """The report's own values; a proposal that was rejected, with its evidence."""
    proposal = autopack.calibrate(log)
    autopack.reject(log, proposal, why="too few")
    page = told(client, "/calibration")
    expected = autopack.evaluate(log)

    assert page["report"]["pairs"] == as_json(expected["pairs"])
    assert page["samples"] == autopack.status(log).samples > 0
    assert [one["type"] for one in page["decided"]] == [
        "calibration.rejected", "calibration.proposed",
    ]  # fmt: skip
    assert "evidence" in page["decided"][1]["whole"]["data"]


def test_too_many_samples_are_left_to_the_command(client, monkeypatch):
    """A page that would take minutes says what to type."""
    monkeypatch.setattr("autopack_web.pages.calibration._SAMPLES_MOST", 1)

    assert told(client, "/calibration")["report"] is None
    assert "autopack calibrate report report.html" in client.get("/calibration").text


def test_the_log_is_searched_from_its_end(client, kept_log):
    """In all that events say; each position leads to how things stood then."""
    found = told(client, "/log", q="MERGED")["events"]
    page = client.get("/log?type=phase.gated").text

    assert [one["type"] for one in found] == ["phase.gated"]
    assert f"at={found[0]['position']}" in page
    assert [one["position"] for one in told(client, "/log", before=5)["events"]] == [4, 3, 2, 1]


def test_serve_is_a_command():
    """It says what it does, and refuses an address at which nothing can listen."""
    shown = CliRunner().invoke(command, ["serve", "--help"])

    assert "Show the log in a browser" in shown.output
