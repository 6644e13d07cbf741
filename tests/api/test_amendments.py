"""Figures that a call's source corrected later."""

import contextlib
import sqlite3

import pytest

import autopack
from autopack import PhaseSpec
from autopack.errors import InvalidInputError
from autopack.events import LlmUsageAmended, LlmUsageRecorded


@pytest.fixture
def log(tmp_path):
    """A log with one call of one attempt."""
    with autopack.create_log(tmp_path / "work.db") as log:
        autopack.create_run(log, "r", [PhaseSpec("p", category="docs", complexity="low")])
        with autopack.attempt(log, "r/p") as attempt:
            attempt.record_usage(
                call_id="c1", provider="ex", model="m", input_tokens=5, output_tokens=20
            )
        yield log


def test_totals_and_samples_follow_and_both_figures_stay(log):
    """The amendment names the call's phase and attempt, so the sample is the new one too."""
    amended = autopack.amend_usage(
        log, call_id="c1", provider="ex", why="the bill", output_tokens=30
    )

    assert ("phase-r/p", "r", "p", 1) == (
        amended.stream, amended.event.run_id, amended.event.phase_id, amended.event.attempt,
    )  # fmt: skip
    assert (1, 30) == (autopack.status(log).calls, autopack.status(log).output_tokens)
    assert [30] == [sample.actual_output_tokens for sample in autopack.list_samples(log)]
    assert [20] == [
        recorded.event.output_tokens
        for recorded in autopack.history(log, "r", "p")
        if recorded.type == "llm.usage_recorded"
    ]


def test_the_split_stays_unless_it_is_told(log):
    """A measured call stays measured; a guess can be told."""
    kept = autopack.amend_usage(log, call_id="c1", provider="ex", why="a bill", cost_usd=0.5)
    told = autopack.amend_usage(log, call_id="c1", provider="ex", why="no", split="inferred")

    assert ("measured", "inferred") == (kept.event.split, told.event.split)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"call_id": "c2", "provider": "ex", "output_tokens": 1}, "No call 'c2' of provider 'ex'"),
        ({"call_id": "c1", "output_tokens": 1}, "No call 'c1' of provider None"),
        ({"call_id": "c1", "provider": "ex"}, "given was none"),
        ({"call_id": "c1", "provider": "ex", "tokens": 1}, "given was tokens"),
    ],
)
def test_what_cannot_be_amended_is_refused(log, given, said):
    """An unknown call, and an unknown figure, change nothing."""
    head = log.head()
    with pytest.raises(InvalidInputError, match=said):
        autopack.amend_usage(log, why="the bill", **given)

    assert head == log.head()


def test_an_amendment_of_a_call_that_another_process_recorded_counts_under_caps(tmp_path):
    """Whatever was known of the phase here before: the cap is told by how much."""
    path = tmp_path / "work.db"
    with autopack.create_log(path) as log, autopack.open_log(path) as other:
        autopack.create_run(log, "r", [PhaseSpec("p")], caps={"tokens": 100_000})
        autopack.get_phase(log, "r/p")
        with autopack.attempt(other, "r/p") as attempt:
            autopack.get_phase(log, "r/p")
            with pytest.raises(autopack.errors.MoveRefusedError):
                autopack.requeue(log, "r/p", why="is it free?")
            attempt.record_usage(call_id="c1", model="m", output_tokens=20)
        autopack.amend_usage(log, call_id="c1", why="the bill", input_tokens=5, output_tokens=30)
        (cap,) = (one for one in autopack.get_caps(log, "r") if one.unit == "tokens")

    assert 35 == cap.used


def cached(log):
    """What both accounts of a log tell of its only call: the projection's, and the SQL view's."""
    (row,) = autopack.replay(log, "usage").rows.values()
    with contextlib.closing(sqlite3.connect(log.target)) as connection:
        told = connection.execute(
            "SELECT cache_read_tokens, cache_write_tokens, reasoning_tokens FROM v_llm_usage"
        ).fetchall()
    return [(row.cache_read_tokens, row.cache_write_tokens, row.reasoning_tokens)], told


def test_what_was_cached_and_reasoned_can_be_amended(log):
    """The cache's share of the input follows in both accounts; a figure not given stays."""
    autopack.amend_usage(log, call_id="c1", provider="ex", why="the bill", cache_read_tokens=3)
    autopack.amend_usage(
        log, call_id="c1", provider="ex", why="more", cache_write_tokens=2, reasoning_tokens=7
    )

    assert ([(3, 2, 7)], [(3, 2, 7)]) == cached(log)
    assert 25 == autopack.status(log).total_tokens


def test_more_from_the_cache_than_was_given_is_refused(log):
    """Input includes what a cache held, so that an amendment cannot tell more of that."""
    with pytest.raises(InvalidInputError, match="input_tokens is 5, but 6"):
        autopack.amend_usage(log, call_id="c1", provider="ex", why="no", cache_read_tokens=6)


def test_an_amendment_that_is_told_before_its_call_keeps_its_cache(tmp_path):
    """An import may bring the two in any order: what was amended stays."""
    amended = LlmUsageAmended(call_id="c", why="later", input_tokens=9, cache_read_tokens=8)
    call = LlmUsageRecorded(call_id="c", input_tokens=9, cache_read_tokens=1, output_tokens=1)
    with autopack.create_log(tmp_path / "work.db") as log:
        log.append("import", [amended, call], expected_version=autopack.ANY)

        assert ([(8, None, None)], [(8, None, None)]) == cached(log)
