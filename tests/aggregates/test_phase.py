"""A phase's decisions: every allowed move, every refused one, and what a fold makes of events."""

from datetime import UTC, datetime, timedelta
from itertools import product

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.aggregates.commands import (
    CancelPhase,
    ClaimPhase,
    CompletePhase,
    DecideGate,
    FailPhase,
    GatePhase,
    ReclaimPhase,
    ReleasePhase,
    RequeuePhase,
    SkipPhase,
    StartPhase,
    TimeOutPhase,
)
from autopack.aggregates.phase import PhaseState, decide, evolve, fold, holds
from autopack.errors import (
    AttemptsSpentError,
    CommandRefusedError,
    InvalidInputError,
    LeaseLostError,
    MoveRefusedError,
)
from autopack.events import PhaseEstimated, PhaseFailed, PhaseReclaimed, PhaseRequeued
from autopack.ports.prediction import Estimate, Features
from autopack.ports.states import LIVE, MOVES, PhaseStatus
from autopack.testing.generators import phase_events
from autopack.values.ids import PhaseRef

REF = PhaseRef("r1", "a")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PERSON = {"ref": REF, "by": "ann", "why": "because"}
ENDING = {"ref": REF, "lease_token": "t1"}

COMMANDS = {
    "claim": ClaimPhase(ref=REF, worker="w1", lease_token="t1", max_attempts=3, now=NOON),
    "start": StartPhase(**ENDING),
    "complete": CompletePhase(**ENDING, summary="done", duration_s=2.0),
    "fail": FailPhase(
        **ENDING, code="boom", message="it broke", failure_class="execution",
        retryable=False, max_attempts=3,
    ),
    "time out": TimeOutPhase(
        **ENDING, timeout_s=9.0, message="no result", retryable=False, max_attempts=3
    ),
    "gate": GatePhase(**ENDING, question="fine?"),
    "release": ReleasePhase(**ENDING, why="stopped"),
    "reclaim": ReclaimPhase(**ENDING, why="its lease ended", max_attempts=3),
    "requeue": RequeuePhase(**PERSON),
    "skip": SkipPhase(**PERSON),
    "cancel": CancelPhase(**PERSON),
    "approve": DecideGate(**PERSON, decision="approve"),
    "reject": DecideGate(**PERSON, decision="reject"),
    "send back": DecideGate(**PERSON, decision="requeue"),
}  # fmt: skip

TO_RUNNING = ("claim", "start")
WAY_TO = {
    "QUEUED": (),
    "CLAIMED": ("claim",),
    "RUNNING": TO_RUNNING,
    "GATED": (*TO_RUNNING, "gate"),
    "COMPLETE": (*TO_RUNNING, "complete"),
    "FAILED": (*TO_RUNNING, "fail"),
    "TIMED_OUT": (*TO_RUNNING, "time out"),
    "SKIPPED": ("skip",),
    "CANCELLED": ("cancel",),
}
"""How each state is reached by commands alone."""

ANSWERS = {
    "QUEUED": {"claim": "CLAIMED", "skip": "SKIPPED", "cancel": "CANCELLED"},
    "CLAIMED": {
        "start": "RUNNING", "release": "QUEUED", "reclaim": "QUEUED", "fail": "FAILED",
        "cancel": "CANCELLED",
    },
    "RUNNING": {
        "complete": "COMPLETE", "fail": "FAILED", "time out": "TIMED_OUT", "gate": "GATED",
        "release": "QUEUED", "reclaim": "QUEUED", "cancel": "CANCELLED",
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
"""What each command makes of each state; all others are refused."""

ALLOWED = [(state, name, to) for state, answers in ANSWERS.items() for name, to in answers.items()]
REFUSED = [(state, name) for state, name in product(WAY_TO, COMMANDS) if name not in ANSWERS[state]]


def after(*names, state=None):
    """Return the state to which commands lead."""
    state = state or PhaseState()
    for name in names:
        state = fold(decide(COMMANDS[name], state), state)
    return state


class TestMoves:
    """Only decide allows a move, and only those of the table."""

    @pytest.mark.parametrize("name", WAY_TO)
    def test_every_state_can_be_reached(self, name):
        """Each state is one that commands lead to."""
        assert name == after(*WAY_TO[name]).status

    @pytest.mark.parametrize(("state", "name", "to"), ALLOWED)
    def test_an_allowed_command_moves_the_phase(self, state, name, to):
        """A command of the table leads where the table says."""
        assert to == after(name, state=after(*WAY_TO[state])).status

    @pytest.mark.parametrize(("state", "name"), REFUSED)
    def test_a_refused_command_says_why_and_decides_nothing(self, state, name):
        """Everything else is refused, with the phase and its state in the message."""
        before = after(*WAY_TO[state])

        with pytest.raises((MoveRefusedError, LeaseLostError)) as refused:
            decide(COMMANDS[name], before)

        assert "r1/a" in str(refused.value)
        assert state in str(refused.value)

    def test_the_commands_make_every_move_and_no_other(self):
        """The moves that commands make are exactly those of the table."""
        made = {(state, to) for state, _name, to in ALLOWED}
        promised = {(str(state), str(to)) for state, moves in MOVES.items() for to in moves}

        assert promised == made

    @pytest.mark.parametrize(("state", "name"), [("COMPLETE", "requeue"), ("RUNNING", "requeue")])
    def test_a_refused_move_names_both_states(self, state, name):
        """Whoever is refused learns where the phase stands and where it cannot go."""
        with pytest.raises(MoveRefusedError) as refused:
            decide(COMMANDS[name], after(*WAY_TO[state]))

        assert (state, "QUEUED") == (refused.value.state, refused.value.to)

    @pytest.mark.parametrize(("state", "name", "_to"), ALLOWED)
    def test_a_repeated_command_decides_nothing(self, state, name, _to):
        """The same command again adds no event."""
        moved = after(name, state=after(*WAY_TO[state]))

        with pytest.raises(CommandRefusedError):
            decide(COMMANDS[name], moved)

    @pytest.mark.parametrize("name", ["requeue", "skip", "cancel", "approve"])
    @pytest.mark.parametrize("why", ["", "  "])
    def test_a_person_says_why(self, name, why):
        """What people decide is kept with its reason."""
        with pytest.raises(InvalidInputError, match="say why"):
            decide(attrs.evolve(COMMANDS[name], why=why), after(*WAY_TO["FAILED"]))

    def test_a_gate_takes_only_its_three_answers(self):
        """Another word is refused, and the three are named."""
        command = DecideGate(**PERSON, decision="maybe")

        with pytest.raises(InvalidInputError, match="approve, reject, requeue"):
            decide(command, after(*WAY_TO["GATED"]))

    @pytest.mark.parametrize("name", ["approve", "requeue"])
    def test_a_gates_answer_names_the_attempt(self, name):
        """So that the attempt's sample can be judged by it; an imported gate may have none."""
        decided, *_ = decide(COMMANDS[name], after(*WAY_TO["GATED"]))
        of_none, *_ = decide(COMMANDS[name], PhaseState(status=PhaseStatus.GATED))

        assert (1, None) == (decided.attempt, of_none.attempt)


class TestClaims:
    """A claim takes a queued phase, once, while attempts are left."""

    def test_a_claim_numbers_its_attempt_and_names_its_holder(self):
        """Attempts count from 1, over requeues."""
        (first,) = decide(COMMANDS["claim"], PhaseState())
        again = after(*TO_RUNNING, "fail", "requeue")
        (second,) = decide(COMMANDS["claim"], again)

        assert [1, 2] == [first.attempt, second.attempt]
        assert ("w1", "t1") == (first.worker, first.lease_token)

    def test_an_estimate_is_recorded_before_the_claim(self):
        """Prediction and claim are of the same attempt."""
        estimate = Estimate(
            estimator="deliverables", estimator_version="1", predicted_output_tokens=700,
            budget_tokens=900, confidence=0.5, tau=0.9, ceiling_tokens=64000,
            features=Features(category="tests", complexity="low", files=(("test", True, 1.0),)),
        )  # fmt: skip
        estimated, claimed = decide(
            attrs.evolve(COMMANDS["claim"], estimate=estimate), PhaseState()
        )

        assert isinstance(estimated, PhaseEstimated)
        assert (1, 1) == (estimated.attempt, claimed.attempt)
        assert (700, 900, 64000, 0.9) == (
            estimated.predicted_output_tokens,
            estimated.budget_tokens,
            estimated.ceiling_tokens,
            estimated.tau,
        )
        assert [["test", True, 1.0]] == estimated.features["files"]

    def test_no_claim_after_the_last_attempt(self):
        """Spent attempts refuse the next claim with both numbers."""
        with pytest.raises(AttemptsSpentError) as refused:
            decide(COMMANDS["claim"], PhaseState(attempts=5, spent=3))

        assert "3" in str(refused.value)

    @pytest.mark.parametrize(("early_s", "is_refused"), [(1, True), (0, False), (-1, False)])
    def test_a_phase_that_waits_is_not_claimed_before_its_time(self, early_s, is_refused):
        """``not_before`` is the first moment at which a claim is taken."""
        state = PhaseState(not_before=NOON + timedelta(seconds=early_s))
        try:
            decide(COMMANDS["claim"], state)
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

    WORKER = ("start", "complete", "fail", "time out", "gate", "release", "reclaim")

    @pytest.mark.parametrize("name", WORKER)
    def test_another_token_is_a_lost_lease(self, name):
        """Whoever has an old token is told who holds the phase now."""
        stale = attrs.evolve(COMMANDS[name], lease_token="t0")

        with pytest.raises(LeaseLostError) as lost:
            decide(stale, after(*TO_RUNNING))

        assert ("t0", "RUNNING", "w1") == (lost.value.token, lost.value.state, lost.value.holder)

    @pytest.mark.parametrize("ending", ["complete", "fail", "release", "reclaim", "cancel"])
    def test_an_end_takes_the_lease_away(self, ending):
        """After an end nobody holds the phase."""
        state = after(*TO_RUNNING, ending)

        assert (None, None) == (state.lease_token, state.worker)
        assert not holds(state, "t1")

    def test_who_holds_is_who_has_the_token(self):
        """The token in force holds a claimed and a running phase, no other does."""
        assert holds(after("claim"), "t1")
        assert holds(after(*TO_RUNNING), "t1")
        assert not holds(after(*TO_RUNNING), "t2")


class TestAttempts:
    """Which ends spend an attempt, and when a failure is tried again."""

    @pytest.mark.parametrize(
        ("ending", "spent"), [("fail", 1), ("time out", 1), ("reclaim", 1), ("release", 0)]
    )
    def test_a_release_alone_gives_the_attempt_back(self, ending, spent):
        """A clean stop does not count; a lost lease and a failure do."""
        state = after(*TO_RUNNING, ending)

        assert (1, spent) == (state.attempts, state.spent)

    @pytest.mark.parametrize(
        "way", [("fail", "requeue"), ("gate", "requeue"), ("gate", "send back")]
    )
    def test_a_persons_requeue_gives_all_attempts_back(self, way):
        """Attempts go on counting, but none is spent; also where it answers a gate."""
        state = after(*TO_RUNNING, *way)

        assert (1, 0) == (state.attempts, state.spent)

    @pytest.mark.parametrize("name", ["fail", "time out"])
    def test_a_retryable_end_is_queued_again_while_attempts_are_left(self, name):
        """Failure and retry are decided together, with the time to wait for."""
        command = attrs.evolve(COMMANDS[name], retryable=True, not_before=NOON)
        ended, requeued = decide(command, after(*TO_RUNNING))
        state = fold([ended, requeued], after(*TO_RUNNING))

        assert isinstance(requeued, PhaseRequeued)
        assert ("drain", NOON, "QUEUED", 1) == (
            requeued.by,
            requeued.not_before,
            state.status,
            state.spent,
        )

    @pytest.mark.parametrize("retryable", [True, False])
    @pytest.mark.parametrize("name", ["fail", "time out"])
    def test_an_end_tells_whether_another_attempt_may_help(self, name, retryable):
        """Also where none is left."""
        command = attrs.evolve(COMMANDS[name], retryable=retryable)
        ended, *_ = decide(command, attrs.evolve(after(*TO_RUNNING), spent=3))

        assert retryable is ended.retryable

    @pytest.mark.parametrize("to", ["CLAIMED", "RUNNING"])
    def test_a_requeue_after_a_loss_takes_no_phase_from_its_worker(self, to):
        """What is queued again by then is requeued as it was asked; what is in work is not."""
        command = attrs.evolve(COMMANDS["requeue"], after_loss=True)
        (again,) = decide(command, after())

        assert again.attempts_reset
        with pytest.raises(MoveRefusedError):
            decide(command, after(*WAY_TO[to]))

    @pytest.mark.parametrize("name", ["fail", "time out"])
    @pytest.mark.parametrize(("retryable", "spent"), [(True, 3), (True, 4), (False, 1)])
    def test_the_last_attempt_and_a_hopeless_one_stay_ended(self, name, retryable, spent):
        """Without attempts, or without hope, the phase stays where it ended."""
        command = attrs.evolve(COMMANDS[name], retryable=retryable)
        running = attrs.evolve(after(*TO_RUNNING), spent=spent)

        assert 1 == len(decide(command, running))

    @pytest.mark.parametrize(
        ("spent", "kind", "status"), [(2, PhaseReclaimed, "QUEUED"), (3, PhaseFailed, "FAILED")]
    )
    def test_a_lost_lease_on_the_last_attempt_fails_the_phase(self, spent, kind, status):
        """A phase out of attempts is not queued for ever."""
        running = attrs.evolve(after(*TO_RUNNING), spent=spent)
        (ended,) = decide(COMMANDS["reclaim"], running)

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
        gated = after(*WAY_TO["GATED"])
        (decided,) = decide(COMMANDS["approve"], gated)

        assert PhaseStatus.GATED == evolve(gated, attrs.evolve(decided, decision="perhaps")).status

    @given(names=st.lists(st.sampled_from(sorted(COMMANDS)), max_size=15))
    def test_any_commands_only_make_moves_of_the_table(self, names):
        """Whatever is asked in whatever order, a phase moves along the table or not at all."""
        state = PhaseState()
        for name in names:
            try:
                events = decide(COMMANDS[name], state)
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
    cut = attrs.evolve(COMMANDS["fail"], budget_tokens=100, escalated_tokens=to)

    assert types == [event.TYPE for event in decide(cut, after(*TO_RUNNING))]


@pytest.mark.parametrize("retryable", [False, True])
def test_a_cut_output_of_the_last_attempt_enlarges_nothing(retryable):
    """No attempt is left that a larger budget would be for."""
    cut = attrs.evolve(
        COMMANDS["fail"], budget_tokens=100, escalated_tokens=200, retryable=retryable
    )
    running = attrs.evolve(after(*TO_RUNNING), spent=cut.max_attempts)

    assert ["phase.failed"] == [event.TYPE for event in decide(cut, running)]


def test_a_budget_is_enlarged_once():
    """What is cut again is not helped by more of it."""
    cut = attrs.evolve(COMMANDS["fail"], budget_tokens=100, escalated_tokens=200)
    again = attrs.evolve(cut, budget_tokens=200, escalated_tokens=400)
    state = after(*TO_RUNNING, state=fold(decide(cut, after(*TO_RUNNING))))

    assert ["phase.failed"] == [event.TYPE for event in decide(again, state)]
