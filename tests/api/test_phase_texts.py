"""A phase's texts: what its events name, what they are called, and what they say."""

import sqlite3
from contextlib import closing

import pytest

import autopack
from autopack import PhaseRef, PhaseSpec, types
from autopack.errors import ArtifactMissingError, InvalidInputError, LogDamagedError

REF = PhaseRef("r1", "a")


@pytest.fixture
def log(tmp_path):
    """A log with a phase that failed at length, then was done, in two attempts."""
    with autopack.create_log(tmp_path / "work.db") as log:
        draft = log.artifacts.put("a draft")
        spec = PhaseSpec("a", category="docs", complexity="low", inputs={"draft": draft})
        autopack.create_run(log, "r1", [spec])
        with autopack.attempt(log, "r1/a") as attempt:
            attempt.attach("stdout", "first\n")
            attempt.fail("cut", "m" * 900, retryable=False)
        autopack.requeue(log, REF, why="again")
        with autopack.attempt(log, "r1/a") as attempt:
            attempt.attach("stdout", "second\n")
            attempt.complete({"a.md": "Grüße", "both": "as output"})
            attempt.attach("both", "as artifact")
        yield log


def test_texts_are_named_in_order(log):
    """What was queued comes first; each text has its attempt and its length in UTF-8."""
    found = [(t.attempt, t.kind, t.name, t.size_bytes) for t in autopack.list_texts(log, REF)]

    assert [
        (None, "input", "draft", 7),
        (1, "artifact", "stdout", 6),
        (1, "field", "message", 900),
        (2, "output", "a.md", 7),
        (2, "output", "both", 9),
        (2, "artifact", "stdout", 7),
        (2, "artifact", "both", 11),
    ] == found


@pytest.mark.parametrize(
    ("name", "attempt", "whole"),
    [
        ("stdout", None, "second\n"),
        ("stdout", 1, "first\n"),
        ("message", None, "m" * 900),
        ("draft", None, "a draft"),
        ("a.md", 2, "Grüße"),
    ],
)
def test_a_text_is_read_by_name(log, name, attempt, whole):
    """The last attempt that has the text counts, unless one is named."""
    assert whole == autopack.read_text(log, REF, name, attempt=attempt)


def test_a_text_is_read_by_its_digest_or_the_start_of_it(log):
    """Six digits are enough for a phase's own texts."""
    digest = autopack.list_texts(log, REF)[-1].digest

    assert "as artifact" == autopack.read_text(log, REF, digest)
    assert "as artifact" == autopack.read_text(log, REF, digest[:6])
    assert digest == log.artifacts.whole_digest(digest[:6])


@pytest.mark.parametrize(
    ("name", "attempt", "said"),
    [
        ("stderr", None, "has no text 'stderr'. It has: draft (input, "),
        ("a.md", 1, "has no text 'a.md' of attempt 1"),
        ("both", None, "several texts 'both': both (output, attempt 2, "),
        ("", None, "has no text ''"),
    ],
)
def test_what_is_not_there_names_what_is(log, name, attempt, said):
    """An unknown name lists the texts; one that means two asks for a digest."""
    with pytest.raises(InvalidInputError) as refused:
        autopack.read_text(log, REF, name, attempt=attempt)

    assert said in str(refused.value)


def test_a_phase_without_texts_says_how_they_come_to_be(log):
    """Where nothing was attached, the message says what would be."""
    autopack.queue_phases(log, "r1", [PhaseSpec("b", category="docs", complexity="low")])

    assert [] == autopack.list_texts(log, PhaseRef("r1", "b"))
    with pytest.raises(InvalidInputError, match="It has none: its outputs"):
        autopack.read_text(log, PhaseRef("r1", "b"), "stdout")


def test_a_pruned_text_is_listed_and_says_why_it_is_gone(log):
    """Its digest stays with the events; asking for it tells when and why texts were removed."""
    autopack.prune_artifacts(log, why="room for more", larger_than_bytes=0)

    assert {None} == {text.size_bytes for text in autopack.list_texts(log, REF)}
    with pytest.raises(ArtifactMissingError, match=r"pruned \(last at .* UTC: room for more\)"):
        autopack.read_text(log, REF, "a.md")


def test_a_text_that_was_never_there_says_so(log):
    """Where nothing was ever pruned, that is not offered as the cause."""
    with pytest.raises(ArtifactMissingError, match="no text was pruned"):
        log.artifacts.get("0" * 64)


@pytest.mark.parametrize("start", ["", "abc"])
def test_a_start_that_is_too_short_is_refused(log, start):
    """A digest is found by six digits or more."""
    with pytest.raises(InvalidInputError, match="not enough of a digest"):
        log.artifacts.whole_digest(start)


@pytest.mark.parametrize("content", [b"no zlib at all", None])
def test_a_damaged_text_is_named(log, content):
    """A text that is not the one of its digest is damage, not an answer."""
    digest = next(t.digest for t in autopack.list_texts(log, REF) if t.name == "a.md")
    with closing(sqlite3.connect(log.target)) as other, other:
        other.execute(
            "UPDATE artifacts SET content = coalesce(?, "
            "(SELECT content FROM artifacts WHERE digest != ?)) WHERE digest = ?",
            (content, digest, digest),
        )

    assert None in {text.size_bytes for text in autopack.list_texts(log, REF)}
    with pytest.raises(LogDamagedError, match=digest):
        autopack.read_text(log, REF, "a.md")


def test_what_was_printed_and_judged_is_listed_once(any_log):
    """A check is shown it as an output; it stays what was attached."""
    autopack.create_run(any_log, "printed", [PhaseSpec("p")])
    work = types.CommandExecutor(["echo", "hi"])
    autopack.drain(any_log, executor=work, check="deliverables", run_id="printed")

    assert [("stdout", "artifact")] == [
        (text.name, text.kind) for text in autopack.list_texts(any_log, "printed/p")
    ]
    assert "hi\n" == autopack.read_text(any_log, "printed/p", "stdout")
