"""What each strategy chooses from a view: pure functions, tried without a log."""

from datetime import UTC, datetime

import pytest

from autopack.draining.strategies.drain_history import DrainHistory
from autopack.draining.strategies.explore import Explore, width_of
from autopack.draining.strategies.fifo import fifo
from autopack.draining.strategies.priority import priority
from autopack.draining.strategies.retry_failed import RetryFailed
from autopack.draining.strategies.triage import Triage, rank_of
from autopack.ports.drain import (
    Choose,
    DrainView,
    GroupEvidence,
    Retry,
    RunHistory,
    Stop,
    Wait,
    evidence_of,
)
from autopack.ports.states import PhaseStatus
from autopack.ports.work import PhaseView
from autopack.values.ids import PhaseRef

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def phase(key, **fields):
    """Return a queued phase named ``RUN/PHASE``."""
    run_id, phase_id = key.split("/")
    given = {"category": "tests", "complexity": "low", "predicted_output_tokens": 1000, **fields}
    return PhaseView(run_id=run_id, phase_id=phase_id, order=0, **given)


def failed(key, **fields):
    """Return a phase that failed before."""
    given = {"status": PhaseStatus.FAILED, "reason_code": "boom", "reason": "it broke",
             "fingerprint": "boom|it broke", "attempts": 1, "attempts_spent": 1}  # fmt: skip
    return phase(key, **{**given, **fields})


def view(*ready, **fields):
    """Return a view at one moment."""
    return DrainView(now=NOW, ready=list(ready), **fields)


def chosen(choice):
    """Return the key of what was chosen."""
    assert isinstance(choice, Choose | Retry), choice
    return str(choice.ref)


STRATEGIES = [fifo, priority, Triage(), RetryFailed(), Explore()]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: getattr(s, "name", "function"))
def test_nothing_to_take_is_no_error(strategy):
    """Without a ready phase every strategy waits, or says that nothing is left."""
    assert isinstance(strategy(view()), Wait | Stop)
    assert isinstance(strategy(view(running=1)), Wait)
    assert strategy(view(next_ready_at=NOW, waiting=1)).until == NOW


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: getattr(s, "name", "function"))
def test_a_choice_is_a_pure_function(strategy):
    """The same view gives the same answer, and is left as it was."""
    shown = view(phase("r/a"), phase("s/b", priority=2), failed=[failed("t/c")])
    first, second = strategy(shown), strategy(shown)

    assert first == second
    assert ["r/a", "s/b"] == [row.key for row in shown.ready]


def test_priority_comes_before_order():
    """The highest priority, and of equal ones the first."""
    ready = [phase("r/a"), phase("r/b", priority=5), phase("r/c", priority=5)]

    assert Choose(PhaseRef("r", "b"), "priority 5, the highest of 3 ready") == priority(
        view(*ready)
    )


def test_triage_samples_each_run_first():
    """A run that nobody tried comes before one that is promising."""
    ready = [phase("r/a"), phase("r/b"), phase("s/c")]
    history = {"r": RunHistory(attempts=1, completed=1, first_ending="completed")}

    assert "s/c" == chosen(Triage()(view(*ready, history=history)))


def test_triage_waits_for_a_first_result():
    """A run that is being sampled gives no second phase before its first has ended."""
    shown = view(phase("r/a"), in_work=[phase("r/x")], running=1)

    assert isinstance(Triage()(shown), Wait)


@pytest.mark.parametrize(
    ("run", "is_taken"),
    [
        (RunHistory(attempts=1, completed=1, first_ending="completed"), True),
        (RunHistory(attempts=1, timed_out=1, first_ending="timed_out"), True),
        (RunHistory(attempts=1, failed=1, first_ending="failed", first_had_usage=True,
                    first_is_repeat=True), True),
        (RunHistory(attempts=1, failed=1, first_ending="failed"), True),
        (RunHistory(attempts=1, failed=1, first_ending="failed", first_is_repeat=True), False),
        (RunHistory(attempts=3, completed=1, timed_out=2, first_ending="completed"), False),
        (RunHistory(attempts=2, failed=2, first_ending="failed", repeats=3), False),
        (RunHistory(attempts=9, failed=3, completed=6, first_ending="completed", repeats=3), True),
    ],
)  # fmt: skip
def test_triage_gives_hopeless_runs_up(run, is_taken):
    """A repeat at the start, time-outs and repeated failures end a run; success keeps it."""
    choice = Triage()(view(phase("r/a"), history={"r": run}))

    assert is_taken == isinstance(choice, Choose)
    assert is_taken or isinstance(choice, Stop)


def test_triage_ranks_by_what_was_failed_of_before():
    """No reason, collecting, deliverables, patches, others, time-outs; then by index."""
    reasons = ("timed_out|no result", "x|odd", "x|patch no-op", "x|deliverable missing",
               "x|import error")  # fmt: skip
    phases = [
        *(phase(f"r/{n}", index=n, fingerprint=text, attempts=1) for n, text in enumerate(reasons)),
        phase("r/9", index=9),
    ]
    order = []
    history = {"r": RunHistory(attempts=1, completed=1, first_ending="completed")}
    while phases:
        key = chosen(Triage()(view(*phases, history=history)))
        order.append(key)
        phases = [one for one in phases if one.key != key]

    assert ["r/9", "r/4", "r/3", "r/2", "r/1", "r/0"] == order


@pytest.mark.parametrize(
    ("row", "rank"),
    [
        (phase("r/a"), 0),
        (failed("r/a", reason_code="unrecorded", reason="the source gives no reason",
                fingerprint=None), 0),
        (failed("r/a", reason_code="tests_failed", fingerprint="tests_failed|<n> failed"), 4),
        (failed("r/a", status=PhaseStatus.TIMED_OUT, reason_code="timed_out", fingerprint=None,
                reason="no result after 5 s"), 5),
        (failed("r/a", reason_code="deliverables_validation_failed", fingerprint=None), 2),
    ],
)  # fmt: skip
def test_a_failure_on_record_has_a_rank(row, rank):
    """The code counts as well as the words."""
    assert rank == rank_of(row)


def test_triage_leaves_spent_phases_and_known_failures_alone():
    """Neither a phase of too many attempts nor one that failed as too many others did."""
    spent = phase("r/a", attempts=2, attempts_spent=2)
    known = phase("s/b", attempts=1, attempts_spent=1, fingerprint="x|gone")

    assert isinstance(Triage()(view(spent)), Stop)
    assert isinstance(Triage()(view(known, failures={"x|gone": 3})), Stop)
    assert "s/b" == chosen(Triage()(view(known, failures={"x|gone": 2})))


def test_triage_stops_when_nothing_makes_a_call():
    """Ten attempts without usage are enough, and None never is."""
    assert isinstance(Triage()(view(phase("r/a"), zero_streak=10)), Stop)
    assert isinstance(Triage(max_zero_yield=None)(view(phase("r/a"), zero_streak=99)), Choose)


def test_triage_says_why_it_stops():
    """The reason counts what is left, by why."""
    history = {"r": RunHistory(attempts=2, timed_out=2, first_ending="timed_out")}
    choice = Triage()(view(phase("r/a"), phase("r/b"), history=history))

    assert "2 phases are left" in choice.reason
    assert "2 because its run timed out too often" in choice.reason


def test_retry_failed_takes_failed_phases_only():
    """What was never tried is left; what is queued again comes first."""
    fresh, again = phase("r/a"), phase("r/b", attempts=1, attempts_spent=1, reason_code="requeued")
    retry = RetryFailed()(view(fresh, failed=[failed("s/c"), failed("t/d", index=1)]))

    assert isinstance(retry, Retry)
    assert "s/c" == chosen(retry)
    assert "r/b" == chosen(RetryFailed()(view(fresh, again, failed=[failed("s/c")])))
    assert isinstance(RetryFailed()(view(fresh)), Stop)


def test_retry_failed_gives_spent_phases_new_attempts():
    """A retry starts a phase anew, however many attempts it had; a hopeless run gets none."""
    spent = failed("r/a", attempts=5, attempts_spent=5)
    history = {"r": RunHistory(attempts=3, failed=3, first_ending="failed", repeats=3)}

    assert "r/a" == chosen(RetryFailed()(view(failed=[spent])))
    assert isinstance(RetryFailed()(view(failed=[spent], history=history)), Stop)


def test_explore_learns_where_it_is_cheap():
    """Of two unknown groups the one whose phase is smaller, of one group the smallest phase."""
    big = phase("r/a", deliverables=("a", "b"), predicted_output_tokens=5000)
    small = phase("r/b", deliverables=("a",), predicted_output_tokens=900)
    other = phase("r/c", category="docs", predicted_output_tokens=400)

    assert "r/c" == chosen(Explore()(view(big, small, other)))
    assert "r/b" == chosen(Explore()(view(big, small)))


def evidence(n, spread=0.1):
    """Return *n* samples around a ratio of 1."""
    found = GroupEvidence()
    for number in range(n):
        found = found.plus(evidence_of(1000, 1000 * (1 + spread * (-1) ** number)))
    return found


def test_explore_leaves_known_groups_and_stops():
    """A known group is passed over even if it is cheap; with nothing unknown the drain ends."""
    groups = {"docs/low": evidence(20)}
    cheap, dear = phase("r/a", category="docs", predicted_output_tokens=10), phase("r/b")

    assert "r/b" == chosen(Explore()(view(cheap, dear, groups=groups)))
    assert Stop("each group that is ready (1) is known to a width of 0.5") == Explore()(
        view(cheap, groups=groups)
    )


def test_explore_counts_on_phases_in_work():
    """Samples on their way count as won, and are waited for."""
    known = evidence(5)
    strategy = Explore(width=(width_of(known) + width_of(known, 1)) / 2)
    shown = view(phase("r/a"), groups={"tests/low": known}, running=1, in_work=[phase("r/x")])

    assert isinstance(strategy(shown), Wait)
    assert "r/a" == chosen(strategy(view(phase("r/a"), groups=shown.groups)))


def test_explore_prefers_runs_that_complete():
    """Of equal teachers the one whose run has failed less."""
    history = {"r": RunHistory(attempts=3, failed=3), "s": RunHistory(attempts=1, completed=1)}

    assert "s/b" == chosen(Explore()(view(phase("r/a"), phase("s/b"), history=history)))


def test_the_width_falls_with_every_sample():
    """More of the same narrows the interval; more spread widens it."""
    widths = [width_of(evidence(n)) for n in range(30)]

    assert sorted(widths, reverse=True) == widths
    assert width_of(evidence(9, 0.1)) < width_of(evidence(9, 0.6))
    assert pytest.approx(1.0, abs=0.01) == evidence(20).ratio


def test_a_history_tells_first_results_and_repeats():
    """A failure that another run had is a repeat, and is counted over the whole drain."""
    history = DrainHistory()
    history.ended("r", "failed", calls=0, fingerprint="x")
    history.ended("s", "failed", calls=1, fingerprint="x")
    history.ended("s", "completed", calls=0, fingerprint=None)
    history.ended("t", "timed_out", calls=0, fingerprint=None)

    assert RunHistory(attempts=1, failed=1, first_ending="failed", repeats=1) == history.runs["r"]
    assert RunHistory(
        attempts=2, failed=1, completed=1, with_usage=1, first_ending="failed",
        first_had_usage=True, first_is_repeat=True, repeats=2,
    ) == history.runs["s"]  # fmt: skip
    assert ({"x": 2, "timed_out": 1}, 2) == (dict(history.failures), history.zero_streak)
