"""States by stream: folded on from what is known, never back, and never over a gap."""

import pytest

from autopack.log import stream_states
from autopack.log.stream_states import StreamStates
from autopack.log.write_transaction import PAGE
from autopack.ports.log import ANY
from autopack.testing.facts import paused


@pytest.fixture
def counts(journal):
    """How many events each stream has, by folding it, on every backend."""
    return StreamStates(journal, lambda state, _recorded: state + 1, 0)


def add(journal, n=1, stream="s"):
    """Append so many events, and return them as recorded."""
    return journal.append(stream, [paused()] * n, expected_version=ANY)


def test_what_is_learned_is_known(counts, journal):
    """Events that follow on what is known need not be read."""
    counts.caught_up("s")
    counts.learn(add(journal, 2))

    assert (2, 2) == counts.known("s")


def test_an_event_after_a_gap_is_not_learned(counts, journal):
    """Nor one that is known already: a state has every event, once."""
    first, second = add(journal), add(journal)
    counts.caught_up("s")
    counts.learn(second)
    add(journal)
    last = add(journal)
    counts.learn(last)
    known = counts.known("s")
    counts.learn(first)

    assert (2, 2) == known == counts.known("s")
    assert (4, 4) == counts.caught_up("s")


def test_of_a_stream_that_nobody_asked_for_nothing_is_learned(counts, journal):
    """It is read whole once it is asked for; till then it takes no room."""
    counts.learn(add(journal, 3))

    assert {} == counts._states
    assert (3, 3) == counts.known("s")


def test_a_stream_of_many_pages_is_read_to_its_end(counts, journal):
    """Also where it ends with a page."""
    add(journal, PAGE + 1)
    add(journal, 2 * PAGE, "even")

    assert (PAGE + 1, PAGE + 1) == counts.known("s")
    assert (2 * PAGE, 2 * PAGE) == counts.known("even")


def test_a_slow_reader_takes_nothing_back(counts, journal):
    """Whoever read on while it was at its page came further, and is believed."""
    add(journal)
    journal_read = journal.backend.stream_page

    class Slow:
        """Reads a page, and gives it only once somebody else has read more."""

        def stream_page(self, stream, **how):
            rows = journal_read(stream, **how)
            add(journal, 2)
            counts.caught_up(stream)
            return rows

    told = counts.caught_up("s", reader=Slow())

    assert (3, 3) == told == counts.known("s")


def test_the_streams_that_were_asked_for_last_are_kept(counts, journal, monkeypatch):
    """Memory is bounded; what goes is what was read longest ago."""
    monkeypatch.setattr(stream_states, "_KEPT_MOST", 2)
    for stream in ("a", "b", "c"):
        add(journal, 1, stream)
        counts.known(stream)

    assert ["b", "c"] == list(counts._states)
