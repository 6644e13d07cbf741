"""A sample, and a sample won, are the same figures in a drain's report and in those of the log."""

import attrs
import pytest

from autopack import Failed, NeedsPerson, calibrate, create_run, drain, status
from autopack.report.drain_text import drain_text
from autopack.report.status import status_text
from drains import account_of, specs


def call(attempt, **figures):
    attempt.record_usage(**{"model": "m", "output_tokens": 20, **figures})


def measured(_phase, attempt):
    call(attempt)


def fails(_phase, attempt):
    call(attempt)
    return Failed("tests_failed", "two of nine", retryable=False)


def asks(_phase, attempt):
    call(attempt)
    return NeedsPerson("fine?")


def silent(_phase, _attempt):
    return None


def guessed_in_part(_phase, attempt):
    call(attempt)
    call(attempt, split="inferred")


def audited(_phase, attempt):
    call(attempt, role="auditor", split="inferred")
    call(attempt)


def audited_only(_phase, attempt):
    call(attempt, role="auditor")


EXECUTORS = {
    one.__name__: one
    for one in (measured, fails, asks, silent, guessed_in_part, audited, audited_only)
}


@pytest.fixture
def report(any_log):
    """The report of one drain over one phase of each kind."""
    create_run(any_log, "r", specs(*EXECUTORS))
    return drain(any_log, executor=lambda phase, attempt: EXECUTORS[phase.phase_id](phase, attempt))


def test_the_same_word_is_the_same_figure(any_log, report):
    """Of seven attempts four met a measurement, and two of these completed."""
    found, info = status(any_log), any_log.info()
    again = account_of(any_log, report.drain_id)

    assert (7, 4, 2) == (found.estimates, found.samples, found.samples_won)
    assert (4, 2) == (report.samples, report.samples_won)
    assert (4, 2) == (info["samples"], info["samples_won"])
    assert (4, 2) == (again["samples"], again["samples_won"])


def test_the_texts_say_what_they_count(any_log, report):
    """The words stand beside the figures, and calibrate uses none but samples that were won."""
    proposal = calibrate(any_log)

    told = drain_text(report, with_samples=True)
    assert "  learnt    4 outputs measured, 2 of them completed\n" in told
    assert "learnt" not in drain_text(report)
    stands = attrs.evolve(status(any_log), is_calibrated=True)
    assert "\nlearnt   4 outputs measured, 2 of them completed\n" in status_text(stands)
    assert report.samples_won == proposal.samples_used


def test_a_limit_counts_samples_that_were_won(any_log):
    """A failed attempt teaches no calibrator, so it does not bring the end nearer."""
    create_run(any_log, "r", specs("fails", "measured", "audited"))
    report = drain(
        any_log,
        executor=lambda phase, attempt: EXECUTORS[phase.phase_id](phase, attempt),
        max_samples=1,
    )

    assert (2, 1, "max_samples: 1 of 1 samples won") == (
        report.samples, report.samples_won, report.detail,
    )  # fmt: skip
