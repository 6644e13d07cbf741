"""Given, when, then: decisions without a log."""

from datetime import UTC, datetime

import pytest

from autopack.aggregates.requests import CapsRequest, ClaimRequest, PhasesRequest
from autopack.errors import MoveRefusedError, RunExistsError, RunMissingError
from autopack.events import CapSet, PhaseCancelled, PhaseSkipped, RunCreated, RunPaused
from autopack.testing import given
from autopack.testing.facts import claimed, completed, created, paused, queued, started

PAUSE = RunPaused(run_id="r1", why="lunch", actor="ann")
SKIP = PhaseSkipped(run_id="r1", phase_id="a", by="ann", why="no need")
CREATE = PhasesRequest(run_id="r1", created=RunCreated(run_id="r1"))


def test_a_request_is_decided_on_the_facts_of_its_subject():
    """Another run's facts are no facts of this one."""
    given([created()]).when(PAUSE).then(PAUSE)
    given([created(), paused(run_id="r2")]).when(PAUSE).then(paused())
    given([created(), queued(), claimed("b")]).when(SKIP).then([SKIP])


def test_nothing_given_is_a_log_without_events():
    """The first request makes the first event."""
    given().when(CREATE).then(RunCreated(run_id="r1"))


def test_a_cap_is_decided_on_its_own_stream():
    """Budgets are scenarios too."""
    request = CapsRequest(scope="run r1", caps={"tokens": 5}, by="ann", why="enough")
    decided = given().when(request).decided()

    assert [CapSet] == [type(event) for event in decided]
    given(decided).when(request).then()


def test_a_repeat_decides_nothing():
    """An empty list, or nothing at all, is expected."""
    given([created(), paused()]).when(PAUSE).then()
    given([created(), paused()]).when(PAUSE).then([])


def test_a_refusal_is_returned():
    """So that its facts can be looked at."""
    done = [created(), queued(), claimed(), started(), completed()]
    refusal = given(done).when(SKIP).then_refused(MoveRefusedError)

    assert ("COMPLETE", "SKIPPED") == (refusal.state, refusal.to)
    given([created()]).when(CREATE).then_refused(RunExistsError)


def test_another_decision_fails_the_scenario():
    """It says what was decided, and what was expected."""
    with pytest.raises(AssertionError, match=r"decides \[PhaseSkipped.*not \[\]"):
        given([created(), queued()]).when(SKIP).then()


def test_a_request_that_is_not_refused_fails_the_scenario():
    """It says what it decided instead."""
    with pytest.raises(AssertionError, match="not refused: it decides"):
        given([created(), queued()]).when(SKIP).then_refused(MoveRefusedError)


def test_another_refusal_is_an_error_of_its_own():
    """It is not mistaken for the expected one."""
    with pytest.raises(RunMissingError):
        given().when(PAUSE).then_refused(RunExistsError)


def test_the_order_of_events_counts():
    """What is decided is compared as a list."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    claim = ClaimRequest(event=claimed(), max_attempts=3, now=now)
    given([created(), queued()]).when(claim).then(claimed(), started())
    cancel = PhaseCancelled(run_id="r1", phase_id="a", by="ann", why="x")
    (decided,) = given([queued(), claimed()]).when(cancel).decided()

    assert ("ann", "x", 1) == (decided.by, decided.why, decided.attempt)
