"""A drain's events as lines for people."""

import pytest

import autopack
from autopack import Completed, Failed, NeedsPerson, PhaseSpec
from autopack.api.batch_rows import BatchResult
from autopack.report.drain_lines import DrainLines, result_line


@pytest.fixture
def lines_of(log):
    """Drain phases with an executor, and return the lines of what it appended."""

    def drained(execute, *phases, lines=None, **settings):
        specs = [PhaseSpec(name, category="docs", complexity="low") for name in phases]
        autopack.create_run(log, "r", specs)
        seen = []
        autopack.Drain(log, executor=execute, on_event=seen.append, **settings).run()
        return list((lines or DrainLines()).lines_of(seen))

    return drained


def execute(phase, attempt):
    """End as the phase's name says."""
    if phase.phase_id != "dumb":
        attempt.record_usage(model="m", input_tokens=1000, output_tokens=200, cost_usd="0.01")
    if phase.phase_id == "asks":
        return NeedsPerson("Merge\nit?")
    if phase.phase_id == "fails":
        return Failed("tests_failed", "2 of 14", retryable=False)
    return Completed()


def test_each_phase_that_ended_is_one_line(lines_of):
    """With what it used, its seconds, and why it failed or waits; unknown is no zero."""
    lines = DrainLines()
    found = lines_of(execute, "works", "asks", "fails", "dumb", lines=lines)
    ends = {line.subject: line for line in found if line.mark not in ("note", "aside")}

    assert ["r/works", "r/asks", "r/fails", "r/dumb"] == list(ends)
    assert ["completed", "asks you", "failed", "completed"] == [e.state for e in ends.values()]
    assert (1200, "0.01") == (ends["r/works"].tokens, str(ends["r/works"].cost_usd))
    assert (None, None) == (ends["r/dumb"].tokens, ends["r/dumb"].cost_usd)
    assert all(line.seconds is not None for line in ends.values())
    assert [None, "Merge it?", "tests_failed: 2 of 14"] == [
        ends[name].why for name in ("r/works", "r/asks", "r/fails")
    ]
    assert ["done", "asks", "failed", "done"] == list(lines.over.values())


def test_a_failure_that_is_tried_again_is_one_line(lines_of):
    """It says when; and the phase is not over by it."""
    n_calls = []

    def flaky(phase, attempt):
        n_calls.append(1)
        return Failed("flaky", "no luck", retryable=True) if len(n_calls) < 2 else Completed()

    lines = DrainLines()
    found = lines_of(flaky, "a", lines=lines)
    again, done = (line for line in found if line.subject == "r/a")

    assert ("again", "failed") == (again.mark, again.state)
    assert again.why is not None
    assert again.why.startswith("again ")
    assert again.why.endswith(": flaky: no luck")
    assert ("done", {"r/a": "done"}) == (done.mark, lines.over)


def test_whoever_tells_of_ends_gets_the_rest(lines_of):
    """A batch has rows of its own: phases have their names, and no second line."""
    lines = DrainLines({"r/works": "row 1"}, with_ends=False)
    found = lines_of(execute, "works", "fails", lines=lines)

    assert [] == [line for line in found if line.subject in ("row 1", "r/fails")]
    assert "row 1" == lines.named("r/works")
    assert {"r/works", "r/fails"} == set(lines.over)


def test_what_is_no_phase_is_a_note(lines_of):
    """A drain's start and a run's end; the first is for who sees no live view."""
    first, *_, last = lines_of(execute, "works")

    assert ("aside", "started") == (first.mark, first.state)
    assert ("note", "run r", "finished", "succeeded") == (
        last.mark, last.subject, last.state, last.why,
    )  # fmt: skip


def test_a_row_of_a_batch_is_a_line_too():
    """Answered, failed or waiting; its error on one line."""
    done = result_line(BatchResult(id="a", state="COMPLETE", tokens=7, seconds=1.5))
    failed = result_line(BatchResult(id="b", state="TIMED_OUT", error="two\nlines"))
    asks = result_line(BatchResult(id="c", state="GATED", error="ok?"))

    assert ("done", "a", "answered", 7, 1.5) == (
        done.mark, done.subject, done.state, done.tokens, done.seconds,
    )  # fmt: skip
    assert ("failed", "timed out", "two lines") == (failed.mark, failed.state, failed.why)
    assert ("asks", "asks you", "ok?") == (asks.mark, asks.state, asks.why)
