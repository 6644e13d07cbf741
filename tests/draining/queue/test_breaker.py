"""The circuit breaker: what fails the same way again and again is not tried all night."""

from autopack import Failed, create_run, drain
from autopack.draining.queue.breaker import Breaker
from drains import found, specs, states, works


def breaker(repeats=3, timeouts=None):
    return Breaker(max_fingerprint_repeats=repeats, max_timeouts_per_run=timeouts)


def test_the_same_failure_in_a_row_trips_once():
    """The third one holds the run; the fourth says nothing new."""
    tested = breaker()
    trips = [tested.failed("r", "x|boom", "execution", "boom") for _ in range(4)]

    assert [None, None, None] == [trips[0], trips[1], trips[3]]
    assert ("r", "x|boom", 3) == (trips[2].run_id, trips[2].fingerprint, trips[2].count)


def test_a_success_in_between_starts_the_count_again():
    """A run that also completes phases is no hopeless one."""
    tested = breaker()
    for _ in range(5):
        tested.failed("r", "x", "execution", "m")
        tested.failed("r", "x", "execution", "m")
        tested.completed("r")

    assert {} == tested.held


def test_runs_and_fingerprints_are_counted_apart():
    """Three different failures, or one in three runs, trip nothing."""
    tested = breaker()

    assert not any(tested.failed("r", name, "execution", "m") for name in "abc")
    assert not any(tested.failed(name, "x", "execution", "m") for name in "abc")


def test_what_passes_by_itself_does_not_count():
    """Rate limits and overload back off instead."""
    tested = breaker(repeats=1)

    assert tested.failed("r", "x", "rate_limited", "429") is None
    assert tested.failed("r", "x", "overloaded", "529") is None


def test_timeouts_of_a_run_are_counted():
    """The second time-out holds the run."""
    tested = breaker(timeouts=2)

    assert tested.timed_out("r") is None
    assert "2 of its attempts ran out of time" == tested.timed_out("r").reason


def test_a_run_that_is_let_go_is_counted_anew():
    """Neither its failures nor its time-outs from before weigh on it; others are held still."""
    tested = breaker(repeats=2, timeouts=2)
    for run_id in ("r", "s"):
        for _ in range(2):
            tested.failed(run_id, "x", "execution", "m")
            tested.timed_out(run_id)
    tested.let("r")
    alone = tested.failed("r", "x", "execution", "m"), tested.timed_out("r")
    by_time = tested.timed_out("r")

    assert (None, None) == alone
    assert ["s", "r"] == list(tested.held)
    assert "2 of its attempts ran out of time" == by_time.reason


def test_a_drain_goes_on_without_the_run(any_log):
    """The rest of the run waits with the reason, the other run is drained; the trip is an event."""
    create_run(any_log, "bad", specs(*"abcd"))
    create_run(any_log, "good", specs("x"))

    def half(phase, attempt):
        if phase.run_id == "bad":
            return Failed("import_error", "No module named 'numpy' in line 3")
        return works(phase, attempt)

    report = drain(any_log, executor=half, max_fingerprint_repeats=2)
    (tripped,) = found(any_log, "drain.breaker_tripped")

    assert {"a": "FAILED", "b": "FAILED", "c": "QUEUED", "d": "QUEUED", "x": "COMPLETE"} == (
        states(any_log)
    )
    assert ("run", "bad", 2) == (tripped.scope, tripped.run_id, tripped.count)
    assert ("breaker", True) == (report.reason, report.detail.startswith("run bad: it failed"))
