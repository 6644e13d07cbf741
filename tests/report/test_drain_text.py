"""A drain's end in plain words, and what to type after it."""

import attrs
import pytest

from autopack.draining.engine.drain_report import DrainReport
from autopack.report.drain_text import drain_text, end_words
from autopack.values.money import ZERO, Usd

REPORT = DrainReport(
    drain_id="d1", reason="empty", detail=None, attempts=3, completed=3, failed=0, timed_out=0,
    gated=0, released=0, lost=0, calls=3, total_tokens=33_657_853, cost_usd=Usd.of("1.2345"),
    unpriced_calls=0, unmetered=0, assumed_tokens=0, assumed_usd=ZERO, samples=2, samples_won=1,
    zero_yield={}, failures={}, passed_over={"backs off": 1}, duration_s=250.0,
)  # fmt: skip


def told(**changes):
    """Return the text of a report with other figures."""
    return drain_text(attrs.evolve(REPORT, **changes))


def test_what_went_well_is_told_in_four_lines():
    """Thousands and units, nothing about samples, and what one may look at next."""
    assert [
        "Drain d1 done in 4 min 10 s, the queue is empty",
        "  phases    3 completed",
        "  used      33,657,853 tokens in 3 calls, 1.23 USD",
        "  next      autopack usage: what it cost, by model, day or run",
    ] == told().splitlines()


def test_what_went_wrong_is_counted_in_words():
    """Kinds of failures, the largest first; attempts where they were more than phases."""
    text = told(
        attempts=7, failed=3, timed_out=1, left_failed=1, zero_yield={"odd_thing": 2},
        failures={"exit_1|<path> ended with exit code <n>": 3, "timed_out": 1},
    )  # fmt: skip

    assert [
        "Drain d1 done in 4 min 10 s, the queue is empty",
        "  phases    3 completed, 1 failed",
        "  used      33,657,853 tokens in 3 calls, 1.23 USD",
        "  tried     7 attempts, 3 failed, 1 timed out, 1.7 a minute",
        "  failed    3 x exit_1: … ended with exit code …",
        "            1 x timed out",
        "  no usage  2 attempts: odd thing",
        "  next      autopack status: which phases failed for good, and how to try them again",
    ] == text.splitlines()


def test_what_is_left_is_told_with_why_and_what_to_type():
    """As much as waits, and the limit that is to be raised."""
    text = told(reason="limit", detail="max_usd: 1.23 of 1 USD used", left=1200)

    assert text.startswith("Drain d1 ended by --max-usd after 4 min 10 s: 1.23 of 1 USD used\n")
    assert [
        "  left      1,200 phases in the queue",
        "  waiting   1 x backs off",
        "  next      autopack drain --resume d1 --max-usd MORE",
    ] == text.splitlines()[-3:]


@pytest.mark.parametrize(
    ("reason", "detail", "words"),
    [
        ("stopped", "a signal", "interrupted after 4 min 10 s"),
        ("stopped", "asked to stop", "interrupted after 4 min 10 s: asked to stop"),
        ("limit", "give_up_after_s: 60 of 60 seconds", "ended by --give-up-after after 4 min 10 s"),
        ("blocked", "2 queued", "ended after 4 min 10 s: what is left may not be taken: 2 queued"),
        ("breaker", "auth", "ended by the breaker after 4 min 10 s: auth"),
        ("machine", "disk", "ended after 4 min 10 s: the machine hindered it: disk"),
        ("strategy", "enough", "ended by its strategy after 4 min 10 s: enough"),
        ("price_unknown", "m", "ended after 4 min 10 s: a price is missing: m"),
        ("new", None, "ended after 4 min 10 s: new"),
    ],
)
def test_each_end_has_its_words(reason, detail, words):
    """None of them is a name out of the code."""
    assert end_words(attrs.evolve(REPORT, reason=reason, detail=detail)).startswith(words)


def test_what_nobody_told_is_not_nothing():
    """A cost that is unknown, in part or at all, and usage that could not be read."""
    assert "in 3 calls, cost unknown\n" in told(unpriced_calls=3)
    assert "1.23 USD (1 call without a price)\n" in told(unpriced_calls=1)
    assert "  used      at least 33,657,853 tokens in 3 calls, at least 1.23 USD\n" in told(
        unreadable=1, unreadable_in="r/q"
    )
    assert "  used      nobody told what" in told(calls=0)
    assert "  used      nothing" in told(calls=0, attempts=0)
    assert "1 attempt did not tell all; 1,200 tokens and 0.50 USD stand for it in the cap" in told(
        unmetered=1, assumed_tokens=1200, assumed_usd=Usd.of("0.5")
    )


def test_what_calibrators_learn_is_told_to_who_asked():
    """In one line."""
    assert "  learnt    2 outputs measured, 1 of them completed\n" in drain_text(
        REPORT, with_samples=True
    )
    assert "measured" not in told()
