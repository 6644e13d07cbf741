"""Work on texts that others wrote grows as they do: eight times the text, eight times the work."""

import json

import pytest
from hypothesis import given, settings

from autopack import Failed
from autopack.draining.attempts.failure_classes import class_of
from autopack.draining.attempts.fingerprints import fingerprint, normalise
from autopack.draining.attempts.told_waits import retry_after_s
from autopack.draining.executors.placeholders import check, filled
from autopack.errors import AutopackError, CodecError, InvalidNameError
from autopack.format.cloudevents import CloudEvent
from autopack.format.redaction import cleaned_json
from autopack.log.addresses import masked
from autopack.prediction.estimation import deliverable_kinds, phrases
from autopack.report.failure_words import end_of, failure_words, kind_words, start_of
from autopack.values.ids import check_name
from growing import PIECES, growth, made_of, pieces

SQUARE = 30.0
"""Eight times the text took over sixty times as long where it took the square."""


def refused_name(text):
    """What is told of a name that cannot be one."""
    with pytest.raises(InvalidNameError) as refused:
        check_name("stream", text)
    return masked(str(refused.value))


def refused_line(text):
    """What is told of an event whose stream cannot be one, from a file of events."""
    line = {"specversion": "1.0", "id": "1", "source": "x", "type": "t", "subject": text}
    with pytest.raises(CodecError) as refused:
        CloudEvent(json.dumps(line).encode()).new_event()
    return masked(str(refused.value))


def checked(text):
    """What is told of a template with placeholders that nobody knows."""
    try:
        check({"the template": text})
    except AutopackError as refused:
        masked(str(refused))


def classified(text):
    """What a failure is whose program printed that, or whose code it is."""
    kinds = [class_of(Failed("exit_1", "x", excerpt=text)), class_of(Failed("error", f"x{text}"))]
    return [*kinds, class_of(Failed(f"x{text}", "x"))]


WORK = {
    "fingerprint": lambda text: fingerprint("x", text),
    "fingerprint of a code": lambda text: fingerprint(text, "x"),
    "normal form": normalise,
    "class": classified,
    "wait": lambda text: retry_after_s(text, now_s=0.0),
    "masked": masked,
    "name": refused_name,
    "subject": refused_line,
    "template": checked,
    "filled": lambda text: filled(text.replace("{a", "{ a"), None),
    "deliverable": lambda text: deliverable_kinds.recognise(f"add {text}"),
    "goal": phrases.asks_of_goal,
    "failure": lambda text: failure_words("x", text),
    "kind": kind_words,
    "start": lambda text: start_of(text, len(text) - 1),
    "end": lambda text: end_of(text, len(text) - 1),
    "JSON": lambda text: cleaned_json(str.lower, json.dumps({"a": [text]})),
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_no_text_takes_the_square_of_its_length(work, piece):
    """Whatever it is made of."""
    assert growth(work, piece) < SQUARE


@given(piece=pieces)
@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_nor_does_any_other(work, piece):
    """Of whatever signs."""
    assert growth(work, piece, n_chars=10_000) < SQUARE


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_of_a_long_failure_little_is_read(piece):
    """What fills a terminal for an hour is named, classed and compared as fast as a page of it."""

    def looked_at(text):
        return fingerprint("x", text), classified(text), retry_after_s(text, now_s=0.0)

    assert growth(looked_at, piece, n_chars=500_000) < 4
    assert len(fingerprint(made_of(piece, 999), made_of(piece, 999))) <= 301


def test_an_error_is_short_enough_to_be_read():
    """A value of a megabyte is told by its beginning and its length."""
    told = refused_name("a" * 1_000_000)

    assert "'... (1,000,000 characters) cannot be a stream: it is longer than 200" in told
    assert 9_000 > len(str(AutopackError("x" * 1_000_000, do="do this")))
    assert str(AutopackError("x" * 1_000_000, do="do this")).endswith("x do this")
