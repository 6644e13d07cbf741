"""Phases whose patterns can meet are kept apart, and no others."""

import re
import threading

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import autopack
from autopack import PhaseSpec
from autopack.draining.queue.touched_files import meet, meeting

MEET = [
    ("a.txt", "a.txt"), ("*.txt", "a.*"), ("src/**", "src/a/b.py"), ("src", "src/a/b.py"),
    ("src/", "src/**/x"), ("**/x.py", "x.py"), ("**", "a"), ("a?c", "abc"), ("[ab]c", "ac"),
    ("./a", "a"), ("src/*/x", "src/**"), ("*", "src/x"), ("a\\b", "a/b"), ("a/**/b", "a/b"),
    ("**/test_*.py", "tests/unit/test_a.py"), ("a*b*c", "*abc"), ("[x", "[x"),
]  # fmt: skip
APART = [
    ("a.txt", "b.txt"), ("src/**", "docs/**"), ("*.py", "a.txt"), ("src/*.py", "src/a/b.txt"),
    ("src/a", "src/ab"), ("a/b", "a/c"), ("a?", "a/"), ("docs", "doc/s"), ("a*z/x", "a/z/y"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), MEET)
def test_these_meet(one, other):
    """Whichever stands first."""
    assert meet(one, other)
    assert meet(other, one)


@pytest.mark.parametrize(("one", "other"), APART)
def test_these_do_not(one, other):
    """Whichever stands first."""
    assert not meet(one, other)
    assert not meet(other, one)


def as_regex(pattern):
    """Return what a pattern means, written otherwise: itself, or what is below it."""
    parts = re.split(r"(\*\*/?|\*|\?)", pattern)
    means = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(means.get(one, re.escape(one)) for one in parts) + "(?:/.*)?")


patterns = st.lists(st.sampled_from(["a", "b", "/", "*", "?", "**/"]), min_size=1, max_size=6).map(
    "".join
)
paths = st.lists(st.sampled_from(["a", "b", "ab", "ba"]), min_size=1, max_size=4).map("/".join)


@given(patterns, patterns, paths)
def test_what_a_path_matches_meets(one, other, path):
    """No two phases that touch the same file are let in together."""
    assume(
        all(not p.startswith("/") and "//" not in p and not p.endswith("/") for p in (one, other))
    )
    assume("***" not in one + " " + other)
    if as_regex(one).fullmatch(path) and as_regex(other).fullmatch(path):
        assert meet(one, other)


def test_two_that_meet_are_named():
    """The first of each; phases that say nothing meet nobody."""
    assert ("src/**", "src/a.py") == meeting(("docs", "src/**"), ("x", "src/a.py"))
    assert meeting((), ("src/**",)) is None


def test_those_that_meet_are_not_in_work_at_once():
    """The others are, and why one waits is told."""
    lock, in_work, most, met = threading.Lock(), set(), 0, []
    both = threading.Barrier(2, timeout=30)

    def work(phase, attempt):
        nonlocal most
        with lock:
            in_work.add(phase.phase_id)
            most = max(most, len(in_work))
            met.append(in_work >= {"a", "b"})
        if phase.phase_id in ("a", "free"):
            both.wait()
        with lock:
            in_work.discard(phase.phase_id)

    specs = [
        PhaseSpec("a", touches=("src/**",)),
        PhaseSpec("b", touches="src/x.py"),
        PhaseSpec("free"),
    ]
    with autopack.create_log("memory:") as log:
        autopack.create_run(log, "r", specs)
        report = autopack.drain(log, executor=work, workers=3)

    assert (3, 2) == (report.completed, most)
    assert not any(met)
    assert {"it touches src/x.py, and a, in work, touches src/**": 1} == dict(report.passed_over)


def test_other_runs_are_not_waited_for():
    """They are merged elsewhere."""
    both = threading.Barrier(2, timeout=30)
    with autopack.create_log("memory:") as log:
        for name in ("one", "two"):
            autopack.create_run(log, name, [PhaseSpec("a", touches=("src/**",))])
        report = autopack.drain(log, executor=lambda *_given: str(both.wait()), workers=2)

    assert 2 == report.completed
