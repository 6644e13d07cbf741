"""The reports of status, history and drains: text from values alone."""

import json
from datetime import UTC, datetime

import attrs
import pytest

from autopack.events import DrainStopped, LlmUsageRecorded, PhaseFailed, PhaseGateDecided
from autopack.ports.log import Recorded, UnrecognisedEvent
from autopack.report.drain_summary import DrainSummary
from autopack.report.history import event_json, history_line
from autopack.report.status import (
    Halted,
    LiveWorker,
    Status,
    next_steps,
    status_json,
    status_markdown,
    status_text,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
CLOCK = f"{NOON.astimezone():%H:%M}"

EMPTY = Status(
    target="/logs/work.db",
    log_id="0190-abc",
    parent=None,
    at=NOON,
    events=0,
    last_event_at=None,
    runs=0,
    runs_implied=0,
    phases_by_state={},
)

BUSY = attrs.evolve(
    EMPTY,
    target="/logs/my work.db",
    parent=("0190-old", 7, "ab"),
    events=40,
    last_event_at=NOON,
    runs=1,
    runs_implied=2,
    phases_by_state={"FAILED": 1, "GATED": 1, "QUEUED": 3, "RUNNING": 2},
    live=(
        LiveWorker(phase="r/p1", worker="w1", step="tests", since=NOON, deadline=NOON),
        LiveWorker(phase="r/p2", worker="w2", is_expired=True),
    ),
    failures=(
        Halted(phase="r/p 3", state="FAILED", code="tests_failed", message="two\nfailed", at=NOON),
    ),
    gates=(Halted(phase="r/p4", state="GATED", code="gated", message="fine?"),),
    calls=3,
    late_calls=1,
    total_tokens=900,
    output_tokens=300,
    cost_usd=0.25,
    calls_without_cost=1,
    estimates=4,
    samples=2,
    samples_won=1,
)


def _recorded(event: object, stream: str, kind: str, data: str = "{}") -> Recorded[object]:
    at = int(NOON.timestamp()) * 1_000_000
    return Recorded((5, b"\x01" * 16, stream, 1, kind, 1, at, at, "", data, b"\x02" * 32), event)


def test_an_empty_log_is_told_how_to_begin():
    """Without phases the next steps are to create a run or to import one."""
    assert [
        "autopack --log /logs/work.db run create RUN --phases FILE",
        "autopack --log /logs/work.db import KIND PATH",
    ] == next_steps(EMPTY)


def test_next_steps_can_be_pasted_into_a_shell():
    """Paths and names with spaces are quoted, and the decision comes before the failure."""
    command = "autopack --log '/logs/my work.db'"

    assert [
        f"{command} drain --executor NAME",
        f"{command} phase approve r/p4",
        f"{command} history r 'p 3'",
        f"{command} phase requeue 'r/p 3'",
        f"{command} usage",
        f"{command} log verify",
    ] == next_steps(BUSY)


def test_many_failures_are_put_back_together():
    """Two commands for two of them would be twenty for twenty."""
    assert "autopack --log '/logs/my work.db' phase requeue r --failed" in next_steps(
        attrs.evolve(BUSY, dead_letters=2)
    )


def test_only_who_calibrated_is_told_to_do_it_again():
    """Who never did need not know the word."""
    taught = next_steps(attrs.evolve(BUSY, is_calibrated=True))

    assert "autopack --log '/logs/my work.db' calibrate" in taught
    assert not any("calibrate" in step for step in next_steps(BUSY))


@pytest.mark.parametrize(
    ("state", "reason", "executor", "typed"),
    [
        ("stopped", "stopped", "mine.py:ex", "--resume"),
        ("stopped", "machine", "mine.py:ex", "--resume"),
        ("gone", None, "mine.py:ex", "--resume"),
        ("stopped", "empty", "my dir/mine.py:ex", "--executor 'my dir/mine.py:ex'"),
        ("stopped", "limit", "mine.py:ex", "--executor mine.py:ex"),
        ("stopped", "empty", "command", "--resume"),
        ("stopped", "empty", "mine.works", "--executor NAME"),
    ],
)
def test_the_next_drain_is_the_last_one_again(state, reason, executor, typed):
    """Gone on with where it was broken off, else by the executor that it had."""
    stopped = None if reason is None else DrainStopped(drain_id="d", reason=reason)
    last = DrainSummary(
        drain_id="d", state=state, started_at=NOON, stopped=stopped, executor=executor
    )
    queued = attrs.evolve(EMPTY, phases_by_state={"QUEUED": 1}, last_drain=last)

    assert f"autopack --log /logs/work.db drain {typed}" == next_steps(queued)[0]


def test_text_tells_who_works_and_what_failed():
    """Workers with step and deadline, ended leases, failures on one line each."""
    lines = status_text(BUSY).splitlines()

    assert "phases   7: 1 FAILED, 1 GATED, 3 QUEUED, 2 RUNNING" in lines
    assert "runs     1, 2 more only named by events" in lines
    assert "parent   0190-old up to position 7" in lines
    assert not any(line.startswith("learnt") for line in lines)
    assert "learnt   2 outputs measured, 1 of them completed" in status_text(
        attrs.evolve(BUSY, is_calibrated=True)
    )
    assert (
        "usage    3 calls, 1 late; 900 tokens, 300 of them output; "
        "0.25 USD reported, 1 call without a cost"
    ) in lines
    assert (f"  r/p1 by w1, at 'tests', since {CLOCK}, until {CLOCK} at the latest") in lines
    taken_back = "its lease has ended: a drain, attempt() or requeue takes the phase back"
    assert f"  r/p2 by w2, {taken_back}" in lines
    assert f"  {CLOCK} r/p 3 FAILED: tests_failed: two failed" in lines


def test_an_unknown_total_is_not_shown_as_a_number():
    """Calls that told only their output leave the total unknown, and the text says so."""
    status = attrs.evolve(BUSY, total_tokens=0, output_tokens=420, calls_without_total=1)

    assert "; 420 output tokens, the total of 1 call unknown; " in status_text(status)


@pytest.mark.parametrize(
    ("guessed", "said"),
    [
        (0, "1,900 tokens, 1,300 of them output; "),
        (1300, "1,300 of them output (all of it guessed); "),
        (1200, "1,300 of them output (1,200 guessed); "),
    ],
)
def test_a_guess_is_not_told_as_a_measurement(guessed, said):
    """Output whose split somebody guessed is told apart."""
    status = attrs.evolve(
        BUSY, total_tokens=1900, output_tokens=1300, inferred_output_tokens=guessed
    )

    assert said in status_text(status)


def test_markdown_says_what_the_text_says():
    """Every line of the text is in the Markdown, commands as code."""
    markdown = status_markdown(BUSY)

    assert markdown.startswith("# Autopack status\n")
    assert all(f"- `{step}`" in markdown for step in next_steps(BUSY))
    assert f"- {CLOCK} r/p 3 FAILED: tests_failed: two failed" in markdown


def test_json_holds_every_field_as_simple_values():
    """The JSON form survives `json`, with times in ISO 8601."""
    found = json.loads(json.dumps(status_json(BUSY)))

    assert {field.name for field in attrs.fields(Status)} | {"phases", "next_steps"} == set(found)
    assert (7, "2026-01-31T12:00:00+00:00") == (found["phases"], found["at"])
    assert "tests" == found["live"][0]["step"]


def test_a_line_of_history_shows_reason_code_and_tokens():
    """The fields that tell the story are on the line, and only those that say anything."""
    failed = PhaseFailed(
        run_id="r", phase_id="p", code="boundary", message="cut\noff", attempt=2, duration_s=1.5
    )
    used = LlmUsageRecorded(
        call_id="c", run_id="r", phase_id="p", request_model="m-1", output_tokens=20
    )
    decided = PhaseGateDecided(run_id="r", phase_id="p", decision="approved", by="ann", why="fine")
    lines = [
        history_line(_recorded(failed, "phase-r/p", "phase.failed")),
        history_line(_recorded(used, "phase-r/p", "llm.usage_recorded")),
        history_line(_recorded(decided, "phase-r/p", "phase.gate_decided")),
    ]

    assert [
        "     5  2026-01-31 12:00:00Z  r/p  phase.failed  "
        "attempt 2, code boundary, failure_class unknown, duration_s 1.5, cut off",
        "     5  2026-01-31 12:00:00Z  r/p  llm.usage_recorded  "
        "request_model m-1, call_id c, split measured, output_tokens 20",
        "     5  2026-01-31 12:00:00Z  r/p  phase.gate_decided  decision approved, by ann, fine",
    ] == lines


def test_what_nobody_recognises_is_listed_as_it_is():
    """An event of an absent plugin has its line, and its stored text in the JSON."""
    recorded = _recorded(UnrecognisedEvent("x.y", 1, "{damaged"), "x", "x.y", data="{damaged")

    assert "not recognised" in history_line(recorded)
    assert "{damaged" == event_json(recorded)["data"]
