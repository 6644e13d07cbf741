"""What a strategy is told of the tokens that were used, and when."""

from datetime import UTC, datetime, timedelta

import autopack
from autopack import ANY, Choose, DrainView, NewEvent, Stop
from autopack.events import LlmUsageRecorded
from drains import specs, works

HOUR = timedelta(hours=1)


def looking(seen):
    """Return a strategy that takes phases in order and keeps what it was told."""

    def strategy(view):
        seen.append((view.now, dict(view.tokens_by_quarter)))
        return Choose(view.ready[0].ref, "the first") if view.ready else Stop("none is left")

    return strategy


def test_calls_of_any_drain_and_any_source_are_told(clocked, clock):
    """An earlier drain's calls, this one's, and imported ones, each where it happened."""
    old = LlmUsageRecorded(call_id="old", total_tokens=7)
    long_ago = datetime(2025, 1, 1, 10, 20, tzinfo=UTC)
    clocked.append("import-x", [NewEvent(event=old, occurred_at=long_ago)], expected_version=ANY)
    autopack.queue_phases(clocked, "r", specs("p3"))
    autopack.drain(clocked, executor=works, max_phases=1)
    first = datetime.fromtimestamp(clock.now, UTC)
    clock.now += 3600
    seen = []
    autopack.drain(clocked, executor=works, strategy=looking(seen))
    told = [used for _, used in seen]

    assert {long_ago.replace(minute=15): 7, first: 30} == told[0]
    assert {long_ago.replace(minute=15): 7, first: 30, first + HOUR: 30} == told[-1]


def test_a_dry_run_is_told_too(clocked):
    """A plan is made with what was used before."""
    autopack.drain(clocked, executor=works, max_phases=1)
    seen = []
    autopack.Drain(clocked, executor=works, strategy=looking(seen)).plan()

    assert [30] == list(seen[0][1].values())


def test_the_sum_is_of_whole_quarters():
    """Tokens since a moment include the quarter of an hour in which it lies, and no earlier one."""
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    used = {noon - HOUR / 4: 1, noon: 10, noon + HOUR / 4: 100}
    view = DrainView(now=noon + HOUR, ready=[], tokens_by_quarter=used)

    assert [111, 110, 110, 100, 0] == [
        view.tokens_since(noon + minutes * HOUR / 60) for minutes in (-1, 0, 14, 15, 30)
    ]


def test_a_simulation_tells_what_its_steps_used():
    """What was spent in a world was used in the hours that the work would take."""
    seen = []

    def strategy(view):
        seen.append((view.spent_tokens, view.tokens_since(datetime(1970, 1, 1, tzinfo=UTC))))
        return Choose(view.ready[0].ref, "the first")

    (found,) = autopack.simulate(autopack.synthetic_backlog(3, runs=2, phases_per_run=3), strategy)

    assert len(seen) == found.attempts > 1
    assert seen[-1][0] > 0
    assert [spent for spent, _ in seen] == [used for _, used in seen]
