"""Pace: how many tokens were used in which quarter of an hour."""

from datetime import UTC, datetime

from hypothesis import given

from autopack import NewEvent, views
from autopack.backends.memory import MemoryBackend
from autopack.log import Log
from autopack.plugins import load_plugins
from autopack.ports.log import ANY
from autopack.projections.pace import PACE
from autopack.projections.usage import USAGE
from autopack.testing.facts import append_all, usage
from autopack.testing.generators import any_order

REGISTRY = load_plugins()


def at(hour, minute):
    return datetime(2026, 1, 31, hour, minute, tzinfo=UTC)


def used(*calls):
    """Return the pace after calls at given moments."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    events = [NewEvent(event=event, occurred_at=moment) for moment, event in calls]
    log.append("phase-r1/a", events, expected_version=ANY)
    return views.replay(log, PACE).rows


def test_calls_are_summed_by_the_quarter_in_which_they_happened():
    """A quarter begins with its first minute; the order of recording does not matter."""
    rows = used(
        (at(12, 15), usage("c1", total_tokens=10, cost_usd=0.5)),
        (at(12, 14), usage("c2", input_tokens=3, output_tokens=4, late=True)),
        (at(12, 29), usage("c3", total_tokens=5)),
    )

    assert {at(12, 15).isoformat(): (2, 15, 0.5), at(12, 0).isoformat(): (1, 7, 0.0)} == {
        key: (row.calls, row.tokens, row.usd) for key, row in rows.items()
    }


def test_a_call_without_a_run_counts():
    """Whoever made it: it was paid for."""
    (row,) = used((at(12, 0), usage("c1", run_id=None, total_tokens=10))).values()

    assert 10 == row.tokens


@given(events=any_order)
def test_no_call_is_missed(events):
    """The calls of all quarters are the calls of the log."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    append_all(log, events)
    calls = [call for call in views.replay(log, USAGE).rows.values() if not call.amended]
    rows = views.replay(log, PACE).rows.values()

    assert len(calls) <= sum(row.calls for row in rows)
