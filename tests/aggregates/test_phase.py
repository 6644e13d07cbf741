"""A phase's decisions: every allowed move, every refused one, and what a fold makes of events."""

from datetime import UTC, datetime, timedelta
from itertools import product

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.aggregates.phase import PhaseState, decide, evolve, fold, holds
from autopack.aggregates.requests import ClaimRequest, EndRequest, RequeueRequest, event_of
from autopack.errors import (
    AttemptsSpentError,
    CommandRefusedError,
    InvalidInputError,
    LeaseLostError,
    MoveRefusedError,
    NothingToJudgeError,
)
from autopack.events import (
    BudgetEscalated,
    PhaseCancelled,
    PhaseChecked,
    PhaseClaimed,
    PhaseCompleted,
    PhaseEstimated,
    PhaseFailed,
    PhaseGated,
    PhaseGateDecided,
    PhaseJudged,
    PhaseReclaimed,
    PhaseReleased,
    PhaseRequeued,
    PhaseSkipped,
    PhaseSubmitted,
    PhaseTimedOut,
)
from autopack.ports.states import LIVE, MOVES, PhaseStatus
from autopack.testing.generators import phase_events

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PHASE = {"run_id": "r1", "phase_id": "a"}
PERSON = {**PHASE, "by": "ann", "why": "because"}
HELD = {**PHASE, "attempt": 1, "lease_token": "t1"}
CLAIMED = PhaseClaimed(**HELD, worker="w1")
FAILED = PhaseFailed(**HELD, code="boom", message="it broke", failure_class="execution")
TIMED_OUT = PhaseTimedOut(**HELD, timeout_s=9.0, message="no result")
AGAIN = PhaseRequeued(**PHASE, by="drain", why="boom", not_before=NOON)
BY_ANN = PhaseRequeued(**PERSON, attempts_reset=True)

REQUESTS = {
    "claim": ClaimRequest(event=CLAIMED, max_attempts=3, now=NOON),
    "submit": PhaseSubmitted(**HELD, executor="e", handle="b1", poll_after_s=60.0),
    "complete": PhaseCompleted(**HELD, summary="done", duration_s=2.0),
    "fail": EndRequest(event=FAILED, max_attempts=3, requeued=AGAIN),
    "time out": EndRequest(event=TIMED_OUT, max_attempts=3, requeued=AGAIN),
    "fail and ask": EndRequest(event=FAILED, max_attempts=3, requeued=AGAIN, asked="and now?"),
    "time out and ask": EndRequest(event=TIMED_OUT, max_attempts=3, asked="and now?"),
    "gate": PhaseGated(**HELD, question="fine?"),
    "release": PhaseReleased(**HELD, why="stopped"),
    "reclaim": EndRequest(event=PhaseReclaimed(**HELD, why="its lease ended"), max_attempts=3),
    "requeue": RequeueRequest(event=BY_ANN),
    "skip": PhaseSkipped(**PERSON),
    "cancel": PhaseCancelled(**PERSON),
    "approve": PhaseGateDecided(**PERSON, decision="approve"),
    "reject": PhaseGateDecided(**PERSON, decision="reject"),
    "send back": PhaseGateDecided(**PERSON, decision="requeue"),
}
WRONG, RIGHT = PhaseJudged(**PERSON, right=False), PhaseJudged(**PERSON, right=True)
CHECKED = PhaseChecked(**PHASE, check="tests", verdict="passed", by="drain", lease_token="t1")
RECHECKED = PhaseChecked(**PHASE, check="tests", verdict="failed", by="recheck", excerpt="1 failed")

ONLY_CLAIMED = evolve(PhaseState(), CLAIMED)
"""As a log may leave it that was written elsewhere: a claim of ours is begun in its own batch."""
WAY_TO = {
    "QUEUED": (),
    "RUNNING": ("claim",),
    "SUBMITTED": ("claim", "submit"),
    "GATED": ("claim", "gate"),
    "COMPLETE": ("claim", "complete"),
    "FAILED": ("claim", "fail"),
    "TIMED_OUT": ("claim", "time out"),
    "SKIPPED": ("skip",),
    "CANCELLED": ("cancel",),
}
"""How each state but CLAIMED is reached by requests alone."""

ANSWERS = {
    "QUEUED": {"claim": "RUNNING", "skip": "SKIPPED", "cancel": "CANCELLED"},
    "CLAIMED": {
        "release": "QUEUED", "reclaim": "QUEUED", "fail": "FAILED", "cancel": "CANCELLED",
        "fail and ask": "GATED",
    },
    "RUNNING": {
        "submit": "SUBMITTED",
        "complete": "COMPLETE", "fail": "FAILED", "time out": "TIMED_OUT", "gate": "GATED",
        "fail and ask": "GATED", "time out and ask": "GATED",
        "release": "QUEUED", "reclaim": "QUEUED", "cancel": "CANCELLED",
    },
    "SUBMITTED": {
        "complete": "COMPLETE", "fail": "FAILED", "gate": "GATED",
        "fail and ask": "GATED", "release": "QUEUED", "reclaim": "QUEUED", "cancel": "CANCELLED",
    },
    "GATED": {
        "approve": "COMPLETE", "reject": "FAILED", "send back": "QUEUED", "requeue": "QUEUED",
        "cancel": "CANCELLED",
    },
    "FAILED": {"requeue": "QUEUED", "skip": "SKIPPED", "cancel": "CANCELLED"},
    "TIMED_OUT": {"requeue": "QUEUED", "skip": "SKIPPED", "cancel": "CANCELLED"},
    "SKIPPED": {"requeue": "QUEUED"},
    "CANCELLED": {"requeue": "QUEUED"},
    "COMPLETE": {},
}  # fmt: skip
"""What each request makes of each state; all others are refused."""

ALLOWED = [(state, name, to) for state, answers in ANSWERS.items() for name, to in answers.items()]
REFUSED = [(s, name) for s, name in product(ANSWERS, REQUESTS) if name not in ANSWERS[s]]


def after(*names, state=None):
    """Return the state to which requests lead."""
    state = state or PhaseState()
    for name in names:
        state = fold(decide(REQUESTS[name], state), state)
    return state


def standing(name):
    """Return a phase in a state."""
    return ONLY_CLAIMED if name == "CLAIMED" else after(*WAY_TO[name])


def said(*verdicts, state=None):
    """Return a complete phase, or another one, of which these verdicts were given."""
    state = state or standing("COMPLETE")
    for verdict in verdicts:
        state = fold(decide(verdict, state), state)
    return state


def changed(request, **fields):
    """Return a request with another event of the same type."""
    if isinstance(request, ClaimRequest | EndRequest | RequeueRequest):
        return attrs.evolve(request, event=attrs.evolve(request.event, **fields))
    return attrs.evolve(request, **fields)


class TestMoves:
    """Only decide allows a move, and only those of the table."""

    @pytest.mark.parametrize("name", WAY_TO)
    def test_every_state_can_be_reached(self, name):
        """Each state is one that requests lead to."""
        assert name == after(*WAY_TO[name]).status

    @pytest.mark.parametrize(("state", "name", "to"), ALLOWED)
    def test_an_allowed_request_moves_the_phase(self, state, name, to):
        """A request of the table leads where the table says."""
        assert to == after(name, state=standing(state)).status

    @pytest.mark.parametrize(("state", "name"), REFUSED)
    def test_a_refused_request_says_why_and_decides_nothing(self, state, name):
        """Everything else is refused, with the phase and its state in the message."""
        before = standing(state)

        with pytest.raises((MoveRefusedError, LeaseLostError)) as refused:
            decide(REQUESTS[name], before)

        assert "r1/a" in str(refused.value)
        assert state in str(refused.value)

    def test_the_requests_make_every_move_and_no_other(self):
        """The moves that are decided, event by event, are exactly those of the table."""
        made = set()
        stands = [(standing(name), answer) for name, answer, _to in ALLOWED]
        for state, answer in [*stands, (said(WRONG), "requeue")]:
            for event in decide(REQUESTS[answer], state):
                moved = evolve(state, event)
                made.add((str(state.status), str(moved.status)))
                state = moved
        made = {(before, to) for before, to in made if before != to}
        promised = {(str(s), str(to)) for s, moves in MOVES.items() for to in moves - {s}}

        assert promised == made

    @pytest.mark.parametrize(("state", "name"), [("COMPLETE", "requeue"), ("RUNNING", "requeue")])
    def test_a_refused_move_names_both_states(self, state, name):
        """Whoever is refused learns where the phase stands and where it cannot go."""
        with pytest.raises(MoveRefusedError) as refused:
            decide(REQUESTS[name], standing(state))

        assert (state, "QUEUED") == (refused.value.state, refused.value.to)

    @pytest.mark.parametrize(("state", "name", "_to"), ALLOWED)
    def test_a_repeated_request_decides_nothing(self, state, name, _to):
        """The same request again adds no event."""
        moved = after(name, state=standing(state))

        with pytest.raises(CommandRefusedError):
            decide(REQUESTS[name], moved)

    def test_a_gate_takes_only_its_three_answers(self):
        """Another word is refused, and the three are named."""
        request = PhaseGateDecided(**PERSON, decision="maybe")

        with pytest.raises(InvalidInputError, match="approve, reject, requeue"):
            decide(request, standing("GATED"))

    @pytest.mark.parametrize("name", ["approve", "requeue"])
    def test_a_gates_answer_names_the_attempt(self, name):
        """So that the attempt's sample can be judged by it; an imported gate may have none."""
        decided, *_ = decide(REQUESTS[name], standing("GATED"))
        of_none, *_ = decide(REQUESTS[name], PhaseState(status=PhaseStatus.GATED))

        assert (1, None) == (decided.attempt, of_none.attempt)


class TestVerdicts:
    """What is said of the work stands beside the state, and moves nothing by itself."""

    @pytest.mark.parametrize("name", ["QUEUED", "GATED", "COMPLETE", "FAILED", "TIMED_OUT"])
    @pytest.mark.parametrize("verdict", [WRONG, RIGHT, RECHECKED])
    def test_a_verdict_leaves_the_state(self, name, verdict):
        """Whatever is said of an attempt that has ended, its phase stands as it stood."""
        before = standing(name) if name != "QUEUED" else after("claim", "fail", "requeue")

        assert name == said(verdict, state=before).status

    @pytest.mark.parametrize(
        ("verdicts", "is_right"),
        [
            ([], None), ([RIGHT], True), ([WRONG], False), ([RIGHT, WRONG], False),
            ([WRONG, RIGHT], True), ([RIGHT, RECHECKED], False),
            ([WRONG, changed(RECHECKED, verdict="passed")], True),
            ([WRONG, changed(RECHECKED, verdict="could_not_run")], False),
        ],
    )  # fmt: skip
    def test_the_last_verdict_holds(self, verdicts, is_right):
        """A check that could not run has said nothing."""
        assert is_right is said(*verdicts).is_right

    @pytest.mark.parametrize("verdicts", [[], [RIGHT], [RECHECKED, RIGHT]])
    def test_complete_work_is_requeued_only_if_it_was_judged_wrong(self, verdicts):
        """The refusal says how to say so."""
        with pytest.raises(MoveRefusedError, match="judge_phase") as refused:
            decide(REQUESTS["requeue"], said(*verdicts))

        assert ("COMPLETE", "QUEUED") == (refused.value.state, refused.value.to)

    @pytest.mark.parametrize("verdict", [WRONG, RECHECKED])
    def test_what_was_judged_wrong_is_requeued_and_knows_why(self, verdict):
        """The next attempt is told what was found, and what was said when it was sent back."""
        queued = after("requeue", state=said(verdict))

        assert "QUEUED" == queued.status
        assert queued.feedback.endswith("because")
        assert ("1 failed" in queued.feedback) is (verdict is RECHECKED)

    def test_a_verdict_is_of_one_attempt(self):
        """What is said of an earlier attempt does not send back the last one's work."""
        twice = after("claim", "complete", state=after("requeue", state=said(WRONG)))
        (of_first,) = decide(changed(WRONG, attempt=1), twice)
        (of_last,) = decide(WRONG, twice)

        assert (1, 2) == (of_first.attempt, of_last.attempt)
        assert (None, None) == (twice.is_right, evolve(twice, of_first).is_right)
        assert evolve(twice, of_last).is_right is False

    def test_a_gates_answer_is_a_verdict(self):
        """What was approved is right, what was rejected wrong; another verdict may follow."""
        approved = after("approve", state=standing("GATED"))
        rejected = after("reject", state=standing("GATED"))

        assert (True, False) == (approved.is_right, rejected.is_right)
        assert "QUEUED" == after("requeue", state=said(WRONG, state=approved)).status

    @pytest.mark.parametrize("name", ["QUEUED", "RUNNING", "SKIPPED", "CANCELLED"])
    @pytest.mark.parametrize("verdict", [WRONG, RECHECKED])
    def test_where_no_attempt_has_ended_there_is_nothing_to_judge(self, name, verdict):
        """A phase that was not attempted, or is in work, has no work to be right."""
        with pytest.raises(NothingToJudgeError, match="r1/a"):
            decide(verdict, standing(name))

    def test_imported_work_without_attempts_is_judged_as_it_is(self):
        """A history may tell how a phase ended and of no attempt at it."""
        imported = evolve(PhaseState(), PhaseCompleted(**PHASE))
        (judged,) = decide(WRONG, imported)

        assert None is judged.attempt
        assert evolve(imported, judged).is_right is False

    def test_an_attempt_that_was_never_made_is_not_judged(self):
        """Its number is refused."""
        with pytest.raises(NothingToJudgeError, match="attempt 2"):
            decide(changed(WRONG, attempt=2), standing("COMPLETE"))

    def test_a_worker_tells_what_its_check_said_while_it_holds_the_phase(self):
        """Under its lease, with the number of its claim; nobody else may."""
        (told,) = decide(CHECKED, standing("RUNNING"))

        assert (1, "RUNNING") == (told.attempt, evolve(standing("RUNNING"), told).status)
        for name in ("QUEUED", "COMPLETE", "FAILED"):
            with pytest.raises(LeaseLostError):
                decide(CHECKED, standing(name))
        with pytest.raises(LeaseLostError):
            decide(changed(CHECKED, lease_token="another"), standing("RUNNING"))


class TestClaims:
    """A claim takes a queued phase, once, while attempts are left."""

    def test_a_claim_numbers_its_attempt_and_names_its_holder(self):
        """Attempts count from 1, over requeues."""
        first = decide(REQUESTS["claim"], PhaseState())
        again = after("claim", "fail", "requeue")
        second = decide(REQUESTS["claim"], again)

        assert [1, 1, 2, 2] == [event.attempt for event in (*first, *second)]
        assert CLAIMED == first[0]
        assert ("phase.started", "t1") == (first[1].TYPE, first[1].lease_token)

    def test_an_estimate_is_recorded_before_the_claim(self):
        """Prediction and claim are of the same attempt."""
        estimate = PhaseEstimated(
            **PHASE, attempt=1, estimator="deliverables", estimator_version="1",
            predicted_output_tokens=700, budget_tokens=900, ceiling_tokens=64000, tau=0.9,
        )  # fmt: skip
        request = attrs.evolve(REQUESTS["claim"], estimated=estimate)
        estimated, claimed, _started = decide(request, PhaseState(attempts=4))

        assert attrs.evolve(estimate, attempt=5) == estimated
        assert attrs.evolve(CLAIMED, attempt=5) == claimed

    def test_no_claim_after_the_last_attempt(self):
        """Spent attempts refuse the next claim with both numbers."""
        with pytest.raises(AttemptsSpentError) as refused:
            decide(REQUESTS["claim"], PhaseState(attempts=5, spent=3))

        assert "3" in str(refused.value)

    @pytest.mark.parametrize(("early_s", "is_refused"), [(1, True), (0, False), (-1, False)])
    def test_a_phase_that_waits_is_not_claimed_before_its_time(self, early_s, is_refused):
        """``not_before`` is the first moment at which a claim is taken."""
        state = PhaseState(not_before=NOON + timedelta(seconds=early_s))
        try:
            decide(REQUESTS["claim"], state)
            refused = False
        except MoveRefusedError:
            refused = True

        assert is_refused == refused

    def test_a_claim_ends_the_waiting(self):
        """A later release does not bring an old waiting time back."""
        state = after("claim", state=PhaseState(not_before=NOON))

        assert state.not_before is None


class TestLeases:
    """A worker speaks for a phase only with the lease in force."""

    WORKER = ("complete", "fail", "time out", "gate", "release", "reclaim")

    @pytest.mark.parametrize("name", WORKER)
    def test_another_token_is_a_lost_lease(self, name):
        """Whoever has an old token is told who holds the phase now."""
        stale = changed(REQUESTS[name], lease_token="t0")

        with pytest.raises(LeaseLostError) as lost:
            decide(stale, after("claim"))

        assert ("t0", "RUNNING", "w1") == (lost.value.token, lost.value.state, lost.value.holder)

    @pytest.mark.parametrize("ending", ["complete", "fail", "release", "reclaim", "cancel"])
    def test_an_end_takes_the_lease_away(self, ending):
        """After an end nobody holds the phase."""
        state = after("claim", ending)

        assert (None, None) == (state.lease_token, state.worker)
        assert not holds(state, "t1")

    def test_who_holds_is_who_has_the_token(self):
        """The token in force holds a claimed and a running phase, no other does."""
        assert holds(ONLY_CLAIMED, "t1")
        assert holds(after("claim"), "t1")
        assert not holds(after("claim"), "t2")


class TestAttempts:
    """Which ends spend an attempt, and when a failure is tried again."""

    @pytest.mark.parametrize(
        ("ending", "spent"), [("fail", 1), ("time out", 1), ("reclaim", 1), ("release", 0)]
    )
    def test_a_release_alone_gives_the_attempt_back(self, ending, spent):
        """A clean stop does not count; a lost lease and a failure do."""
        state = after("claim", ending)

        assert (1, spent) == (state.attempts, state.spent)

    @pytest.mark.parametrize(
        "way", [("fail", "requeue"), ("gate", "requeue"), ("gate", "send back")]
    )
    def test_a_persons_requeue_gives_all_attempts_back(self, way):
        """Attempts go on counting, but none is spent; also where it answers a gate."""
        state = after("claim", *way)

        assert (1, 0) == (state.attempts, state.spent)

    @pytest.mark.parametrize("name", ["fail", "time out"])
    def test_a_retryable_end_is_queued_again_while_attempts_are_left(self, name):
        """Failure and retry are decided together, with the time to wait for."""
        request = changed(REQUESTS[name], retryable=True)
        ended, requeued = decide(request, after("claim"))
        state = fold([ended, requeued], after("claim"))

        assert attrs.evolve(AGAIN, why="boom: attempt 1 of 3 is retried") == requeued
        assert ("QUEUED", 1) == (state.status, state.spent)

    @pytest.mark.parametrize("retryable", [True, False])
    @pytest.mark.parametrize("name", ["fail", "time out"])
    def test_an_end_tells_whether_another_attempt_may_help(self, name, retryable):
        """Also where none is left."""
        request = changed(REQUESTS[name], retryable=retryable)
        ended, *_ = decide(request, attrs.evolve(after("claim"), spent=3))

        assert retryable is ended.retryable

    @pytest.mark.parametrize("to", ["CLAIMED", "RUNNING", "COMPLETE"])
    def test_a_requeue_after_a_loss_takes_no_phase_from_its_worker(self, to):
        """What is queued again by then is requeued as it was asked; what is in work is not."""
        request = attrs.evolve(REQUESTS["requeue"], after_loss=True)

        assert [BY_ANN] == decide(request, after())
        with pytest.raises(MoveRefusedError):
            decide(request, standing(to))

    @pytest.mark.parametrize("name", ["fail", "time out"])
    @pytest.mark.parametrize(("retryable", "spent"), [(True, 3), (True, 4), (False, 1)])
    def test_the_last_attempt_and_a_hopeless_one_stay_ended(self, name, retryable, spent):
        """Without attempts, or without hope, the phase stays where it ended."""
        request = changed(REQUESTS[name], retryable=retryable)
        running = attrs.evolve(after("claim"), spent=spent)

        assert [event_of(request)] == decide(request, running)

    @pytest.mark.parametrize("name", ["fail", "time out"])
    def test_what_spends_no_attempt_waits_however_many_were_spent(self, name):
        """Its reason stands as it was given; without hope it does not wait."""
        waits = attrs.evolve(AGAIN, why="no network: waits", attempt_spent=False)
        hopeless = attrs.evolve(REQUESTS[name], requeued=waits)
        request, running = changed(hopeless, retryable=True), attrs.evolve(after("claim"), spent=3)

        assert [event_of(request), waits] == decide(request, running)
        assert [event_of(hopeless)] == decide(hopeless, running)

    @pytest.mark.parametrize("name", ["fail", "time out", "complete", "gate", "release", "reclaim"])
    def test_an_end_has_the_number_of_the_claim_in_force(self, name):
        """Whatever number its worker tells: the token says which attempt it was."""
        running = attrs.evolve(after("claim"), attempts=4)
        (ended,) = decide(REQUESTS[name], running)

        assert attrs.evolve(event_of(REQUESTS[name]), attempt=4) == attrs.evolve(
            ended, **({"worker": None} if name == "reclaim" else {})
        )

    def test_a_lost_lease_is_told_with_its_worker(self):
        """Who took the phase back knows the token, and the state knows whose it was."""
        (lost,) = decide(REQUESTS["reclaim"], after("claim"))

        assert attrs.evolve(REQUESTS["reclaim"].event, worker="w1") == lost

    @pytest.mark.parametrize("state", ["QUEUED", "GATED", "FAILED"])
    def test_a_cancellation_names_an_attempt_only_if_one_is_in_work(self, state):
        """It takes no time then, whatever was measured."""
        request = attrs.evolve(REQUESTS["cancel"], duration_s=2.0)
        (idle,) = decide(request, standing(state))
        (busy,) = decide(request, after("claim"))

        assert REQUESTS["cancel"] == idle
        assert attrs.evolve(request, attempt=1, lease_token="t1") == busy

    @pytest.mark.parametrize(
        ("spent", "kind", "status"), [(2, PhaseReclaimed, "QUEUED"), (3, PhaseFailed, "FAILED")]
    )
    def test_a_lost_lease_on_the_last_attempt_fails_the_phase(self, spent, kind, status):
        """A phase out of attempts is not queued for ever."""
        running = attrs.evolve(after("claim"), spent=spent)
        (ended,) = decide(REQUESTS["reclaim"], running)

        assert kind is type(ended)
        assert status == evolve(running, ended).status


class TestFold:
    """What happened is folded in any order and in any steps."""

    @given(events=st.lists(phase_events, max_size=12), data=st.data())
    def test_two_steps_give_what_one_gives(self, events, data):
        """Folding on from a state equals folding from the start."""
        cut = data.draw(st.integers(0, len(events)))

        assert fold(events) == fold(events[cut:], fold(events[:cut]))

    @given(events=st.lists(phase_events, max_size=12))
    def test_evolve_takes_any_order(self, events):
        """No event is refused; a phase that nobody holds has no lease."""
        state = fold(events)

        assert 0 <= state.spent <= state.attempts
        assert state.status in LIVE or (None, None) == (state.lease_token, state.worker)

    def test_unknown_answers_of_a_gate_change_no_state(self):
        """An old log's unknown decision is kept, and moves nothing."""
        gated = standing("GATED")
        (decided,) = decide(REQUESTS["approve"], gated)

        assert PhaseStatus.GATED == evolve(gated, attrs.evolve(decided, decision="perhaps")).status

    @given(names=st.lists(st.sampled_from(sorted(REQUESTS)), max_size=15))
    def test_any_commands_only_make_moves_of_the_table(self, names):
        """Whatever is asked in whatever order, a phase moves along the table or not at all."""
        state = PhaseState()
        for name in names:
            try:
                events = decide(REQUESTS[name], state)
            except (CommandRefusedError, InvalidInputError):
                continue
            for event in events:
                moved = evolve(state, event)
                assert moved.status is state.status or moved.status in MOVES[state.status]
                state = moved


@pytest.mark.parametrize(
    ("to", "types"),
    [
        (101, ["phase.failed", "budget.escalated", "phase.requeued"]),
        (100, ["phase.failed"]),
        (99, ["phase.failed"]),
    ],
)
def test_a_cut_output_is_retried_only_with_a_larger_budget(to, types):
    """One of the same size, or smaller, would be cut again; the reason stands before the retry."""
    assert types == [event.TYPE for event in decide(_cut(100, to), after("claim"))]


def _cut(before, to, *, retryable=False):
    larger = BudgetEscalated(**PHASE, attempt=1, from_tokens=before, to_tokens=to, why="cut")
    return attrs.evolve(changed(REQUESTS["fail"], retryable=retryable), escalated=larger)


@pytest.mark.parametrize("retryable", [False, True])
def test_a_cut_output_of_the_last_attempt_enlarges_nothing(retryable):
    """No attempt is left that a larger budget would be for."""
    running = attrs.evolve(after("claim"), spent=3)

    assert ["phase.failed"] == [
        event.TYPE for event in decide(_cut(100, 200, retryable=retryable), running)
    ]


def test_a_budget_is_enlarged_once():
    """What is cut again is not helped by more of it; the second attempt's number is filled in."""
    first = decide(_cut(100, 200), attrs.evolve(after("claim"), attempts=2))
    state = after("claim", state=fold(first))

    assert [2, 2] == [event.attempt for event in first[:2]]
    assert ["phase.failed"] == [event.TYPE for event in decide(_cut(200, 400), state)]
