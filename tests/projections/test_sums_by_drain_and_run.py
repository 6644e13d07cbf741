"""What attempts came to: sums by drain, by run and by quarter of an hour."""

from datetime import UTC, datetime
from decimal import Decimal

import attrs
from hypothesis import given

from autopack import NewEvent
from autopack.events import LlmUsageRecorded
from autopack.log import views
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log, journal_of
from autopack.plugins.discovery import load_plugins
from autopack.ports.log import ANY
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.sums_by_drain_and_run import QuarterSums, moved
from autopack.testing.facts import append_all, claimed, usage
from autopack.testing.generators import any_order

REGISTRY = load_plugins()


def at(hour, minute):
    return datetime(2026, 1, 31, hour, minute, tzinfo=UTC)


def account(*events):
    """Return the account after events, which may say when they happened."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    timed = [one for one in events if isinstance(one, NewEvent)]
    append_all(log, [one for one in events if not isinstance(one, NewEvent)])
    log.append("phase-r1/a", timed, expected_version=ANY)
    return views.replay(journal_of(log), ATTEMPTS).total


def test_calls_are_summed_by_run():
    """Late calls count; a total that was not given is input and output."""
    total = account(
        usage("c1", total_tokens=10, cost_usd=Decimal("0.5")),
        usage("c2", input_tokens=3, output_tokens=4, late=True),
        usage("c3", run_id="r2", cost_usd=Decimal("0.25")),
    )

    assert {"r1": (17, Decimal("0.5")), "r2": (0, Decimal("0.25"))} == {
        run_id: (work.use.total_tokens, work.use.cost_usd) for run_id, work in total.by_run.items()
    }


def test_a_drain_has_all_of_its_attempt_whichever_event_came_first():
    """An import may bring a call before the claim that says whose it is."""
    claim = attrs.evolve(claimed(), drain="d")
    call = usage("c1", attempt=1, total_tokens=10)
    totals = [account(call, claim), account(claim, call)]

    assert [10, 10] == [total.by_drain["d"].use.total_tokens for total in totals]
    assert [1, 1] == [total.by_drain["d"].attempts for total in totals]


def test_what_came_to_nothing_leaves_no_zero():
    """A key whose last value is taken away is not there any more; others stay."""
    one, two = QuarterSums(calls=1, tokens=5), QuarterSums(calls=2, tokens=9)
    sums = moved({}, QuarterSums(), {}, {"a": one, "b": two})

    assert {"b": two} == dict(moved(sums, QuarterSums(), {"a": one}, {}))
    assert {"a": one, "b": one} == dict(
        moved(sums, QuarterSums(), {"b": QuarterSums(calls=1, tokens=4)}, {})
    )


def test_a_call_without_a_run_is_nobodys():
    """No run's cap counts it; the whole does."""
    total = account(usage("c1", run_id=None, total_tokens=10))

    assert ({}, 10) == (dict(total.by_run), total.all.use.total_tokens)


def test_calls_are_summed_by_the_quarter_in_which_they_happened():
    """A quarter begins with its first minute; the order of recording does not matter."""
    total = account(
        NewEvent(
            event=usage("c1", total_tokens=10, cost_usd=Decimal("0.5")), occurred_at=at(12, 15)
        ),
        NewEvent(event=usage("c2", input_tokens=3, output_tokens=4), occurred_at=at(12, 14)),
        NewEvent(event=usage("c3", total_tokens=5), occurred_at=at(12, 29)),
    )

    assert {at(12, 15).isoformat(): (2, 15, 5 * 10**11), at(12, 0).isoformat(): (1, 7, 0)} == {
        quarter: (pace.calls, pace.tokens, pace.pico_usd)
        for quarter, pace in total.by_quarter.items()
    }


@given(events=any_order)
def test_no_call_is_missed(events):
    """Each sum over all calls is that of the calls of the log."""
    log = Log(MemoryBackend(), registry=REGISTRY)
    append_all(log, events)
    view = views.replay(journal_of(log), ATTEMPTS)
    calls = [call for row in view.rows.values() for call in row.calls.values() if call.is_told]
    tokens = sum(call.known_tokens for call in calls)

    assert tokens == view.total.all.use.total_tokens
    assert tokens == sum(pace.tokens for pace in view.total.by_quarter.values())
    assert len(calls) <= sum(isinstance(event, LlmUsageRecorded) for event in events)
