"""Failures in words: a code before its message, once."""

import pytest

from autopack.draining.attempts.fingerprints import fingerprint
from autopack.report.failure_words import failure_words, kind_words


@pytest.mark.parametrize(
    ("code", "message", "state", "words"),
    [
        ("ValueError", "ValueError: it broke", "FAILED", "ValueError: it broke"),
        ("tests_failed", "2 of\n 14 failed", "FAILED", "tests_failed: 2 of 14 failed"),
        ("timed_out", "no result after 5 s", "TIMED_OUT", "no result after 5 s"),
        ("gated", "Is it fit?", "GATED", "Is it fit?"),
        (None, "because", "FAILED", "because"),
        ("exit_3", None, "FAILED", "exit_3: no message"),
    ],
)
def test_a_code_is_said_once(code, message, state, words):
    """Not again where the message begins with it, nor where the state says it."""
    assert words == failure_words(code, message, state)


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        ("ValueError", "ValueError: bad value 7", "ValueError: bad value …"),
        ("exit_3", "agent ended with exit code 3", "exit_3: agent ended with exit code …"),
        ("x", "a|b", "x: a|b"),
    ],
)
def test_a_kind_is_told_in_words(code, message, words):
    """In place of its fingerprint, with the places where failures of the kind differ."""
    assert words == kind_words(fingerprint(code, message))


def test_a_code_alone_is_words_too():
    """Time-outs are counted under their name."""
    assert "timed out" == kind_words("timed_out")
