"""A timeline tells when which worker was at work on what, and what became of it."""

from datetime import UTC, datetime, timedelta

import pytest

import autopack
from autopack import Completed, Failed, PhaseSpec
from autopack.events import LaneOpened, LaneRested, PhaseClaimed, PhaseReleased
from autopack.ports.log import ANY, NewEvent
from autopack.report.work_timeline import TIMELINE_TYPES, timeline_of

BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def after(minutes):
    """Return the moment so many minutes after the beginning."""
    return BEGAN + timedelta(minutes=minutes)


def claimed(phase, number, minutes, worker="w"):
    """Return a claim."""
    event = PhaseClaimed(
        run_id="r", phase_id=phase, attempt=number, worker=worker, lease_token=f"{phase}{number}"
    )
    return NewEvent(event=event, occurred_at=after(minutes))


def released(phase, number, minutes):
    """Return the end of a claim."""
    event = PhaseReleased(
        run_id="r", phase_id=phase, attempt=number, lease_token=f"{phase}{number}", why="stopped"
    )
    return NewEvent(event=event, occurred_at=after(minutes))


def rested(minutes, until):
    """Return a rest of account ``a``."""
    event = LaneRested(
        account="a", cause="rate_limited", until=after(until), wait_s=60.0, closed_at=after(minutes)
    )
    return NewEvent(event=event, occurred_at=after(minutes))


def told(*events, now=600, **options):
    """Return the timeline of events."""
    with autopack.create_log("memory:") as log:
        for event in events:
            log.append("s", [event], expected_version=ANY)
        return timeline_of(log.read_all(types=TIMELINE_TYPES), after(now), **options)


def test_a_drain_is_told_attempt_by_attempt():
    """Each with how it ended; one that waits for a person asks you."""

    def work(phase, attempt):
        if phase.phase_id == "fails":
            return Failed("broken", "it is", retryable=False)
        return autopack.NeedsPerson("Is it right?") if phase.phase_id == "asks" else Completed()

    with autopack.create_log("memory:") as log:
        specs = [PhaseSpec(name) for name in ("works", "fails", "asks")]
        autopack.create_run(log, "r", specs)
        autopack.drain(log, executor=work)
        found = timeline_of(log.read_all(types=TIMELINE_TYPES), autopack.status(log).at)

    assert [(one.phase, one.attempt, one.ending) for one in found.stretches] == [
        ("r/works", 1, "completed"),
        ("r/fails", 1, "failed"),
        ("r/asks", 1, "asks you"),
    ]
    assert len(found.workers) == 1


def test_what_is_in_work_reaches_to_now():
    """Its end is not known, and the timeline ends now."""
    found = told(claimed("p", 1, 0), now=7)

    assert [(one.ended, one.ending) for one in found.stretches] == [(None, "in work")]
    assert (found.began, found.ended) == (after(0), after(7))


def test_a_rest_ends_when_its_lane_is_opened_or_rests_anew():
    """No two rests of one lane lie above each other, and none reaches beyond now."""
    opened = NewEvent(event=LaneOpened(account="a", why="it answers"), occurred_at=after(9))
    found = told(claimed("p", 1, 0), rested(1, 5), rested(4, 30), opened, rested(12, 99), now=20)

    assert [(one.began, one.ended) for one in found.rests] == [
        (after(1), after(4)),
        (after(4), after(9)),
        (after(12), after(20)),
    ]


@pytest.mark.parametrize(("pause", "shown"), [(50, ["a", "b"]), (61, ["b"])])
def test_the_last_time_at_work_begins_after_an_hour_without_any(pause, shown):
    """A shorter pause belongs to it; what is left out is counted."""
    second = 10 + pause
    found = told(
        claimed("a", 1, 0),
        released("a", 1, 10),
        claimed("b", 1, second),
        released("b", 1, second + 5),
        is_last=True,
    )

    assert [one.phase for one in found.stretches] == [f"r/{name}" for name in shown]
    assert found.left_off == 2 - len(shown)


def test_the_last_attempts_are_shown_if_there_are_too_many():
    """The first ones are counted."""
    found = told(*(claimed("p", number, number) for number in range(1, 6)), most=2)

    assert ([one.attempt for one in found.stretches], found.left_off) == ([4, 5], 3)


def test_nothing_is_an_empty_timeline():
    """It reaches from nowhere to nowhere."""
    found = told()

    assert (found.began, found.ended, found.stretches, found.workers) == (None, None, (), [])
