"""Runs and phases by hand: created, queued, called off, put back, decided."""

from datetime import UTC, datetime
from functools import partial

import pytest
from structlog.testing import capture_logs

import autopack
from autopack import PhaseRef, PhaseSpec
from autopack.errors import (
    InvalidInputError,
    InvalidNameError,
    MoveRefusedError,
    PhaseExistsError,
    PhaseMissingError,
    RunExistsError,
    RunMissingError,
    RunPausedError,
)
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log

A, B = PhaseRef("r1", "a"), PhaseRef("r1", "b")


def spec(name, **fields):
    return PhaseSpec(name, **{"category": "tests", "complexity": "low", **fields})


@pytest.fixture
def log(log):
    """A log on every backend, with a run of two phases."""
    autopack.create_run(log, "r1", [spec("a"), spec("b")], goal="tidy", labels={"team": "x"})
    return log


def types(log, after=3):
    return [r.type for r in log.read_all(after=after)]


def state(log, ref=A):
    return autopack.replay(log, "phases").rows[str(ref)].status


def work(log, ref, *, fails=False):
    """Do a phase by hand, well or badly."""
    try:
        with autopack.attempt(log, ref):
            if fails:
                raise KeyError("broken")
    except KeyError:
        pass


def gate(log, ref):
    """Bring a phase to its gate with a drain of one."""
    autopack.drain(
        log,
        executor=lambda _phase, _attempt: autopack.NeedsPerson("fine?"),
        run_id=ref.run_id,
        phase_id=ref.phase_id,
    )


class TestCreateAndQueue:
    """A run with its phases, all or nothing."""

    def test_a_run_is_created_with_its_phases(self, log):
        """One event for the run, one for each phase."""
        assert ["run.created", "phase.queued", "phase.queued"] == types(log, after=0)
        assert {"team": "x"} == next(log.read_all()).event.labels

    def test_a_run_that_exists_is_left_as_it_is(self, log):
        """Creating is never opening."""
        with pytest.raises(RunExistsError):
            autopack.create_run(log, "r1", [spec("z")])

        assert [] == types(log)

    @pytest.mark.parametrize(
        ("phases", "fault"),
        [
            ([spec("c"), spec("c")], PhaseExistsError),
            ([spec("c"), spec("a")], PhaseExistsError),
            (["c"], InvalidInputError),
            ([spec("c"), {"id": "d"}], InvalidInputError),
        ],
    )
    def test_a_wrong_phase_refuses_all_of_them(self, log, phases, fault):
        """Nothing of a refused list is queued."""
        with pytest.raises(fault):
            autopack.queue_phases(log, "r1", phases)

        assert [] == types(log)

    @pytest.mark.parametrize("name", ["", " ", "a/b", "x" * 201, "a\nb"])
    def test_a_run_id_that_cannot_be_one_is_refused(self, log, name):
        """A name is looked at before anything is written."""
        with pytest.raises(InvalidNameError):
            autopack.create_run(log, name, [])

        assert [] == types(log)

    def test_words_that_may_be_misspelt_are_warned_of_once(self, log):
        """A category that is nearly a known one, and a complexity that is none; others are not."""
        phases = [
            spec("c", category="implmentation"),
            spec("d", category="implmentation", complexity="hihg"),
            spec("e", category="archaeology", complexity="Very High"),
        ]
        with capture_logs() as told:
            autopack.create_run(log, "r2", phases[:2])
            autopack.queue_phases(log, "r2", phases[2:])
            autopack.estimate(phases[1])
        words = [(one.get("category", one.get("complexity")), one["meant"]) for one in told]
        doubted = [("implmentation", "implementation"), ("hihg", "high")]

        assert doubted + doubted == words
        assert [2, 1, 1, 1] == [one["phases"] for one in told]

    def test_a_refused_run_is_not_warned_of(self, log):
        """The error is what counts."""
        with capture_logs() as told, pytest.raises(RunExistsError):
            autopack.create_run(log, "r1", [spec("c", complexity="hihg")])

        assert [] == told

    def test_a_run_may_begin_without_phases(self, log):
        """Who adds them one by one creates the run first; it is not finished by having none."""
        autopack.create_run(log, "r2")
        autopack.queue_phases(log, "r2", [spec("a")])

        assert ["run.created", "phase.queued"] == types(log)

    def test_a_phase_is_named_with_its_run(self):
        """An id alone names no phase, and the error says what does; an id may hold a slash."""
        with pytest.raises(InvalidNameError, match=r"names no run.* Give RUN/PHASE, such as RUN/a"):
            PhaseRef.parse("a")

        assert PhaseRef("r1", "docs/a") == PhaseRef.parse("r1/docs/a")

    def test_phases_are_added_to_a_run(self, log):
        """They come after those that are there."""
        (recorded,) = autopack.queue_phases(log, "r1", [spec("c")])

        assert ("c", 2) == (recorded.event.phase_id, recorded.event.index)

    def test_a_run_that_is_not_there_is_named(self, log):
        """Phases need a run."""
        with pytest.raises(RunMissingError, match="r9"):
            autopack.queue_phases(log, "r9", [spec("c")])


class TestByHand:
    """What people decide is an event with who and why."""

    def test_a_phase_is_called_off(self, log):
        """Who and why are kept."""
        (recorded,) = autopack.cancel(log, A, why="no need", actor="ann")

        assert ("phase.cancelled", "ann", "no need") == (
            recorded.type,
            recorded.event.by,
            recorded.event.why,
        )
        assert "CANCELLED" == state(log)

    def test_a_phase_is_left_undone(self, log):
        """Skipping is on purpose."""
        autopack.skip(log, A, why="done elsewhere")

        assert "SKIPPED" == state(log)

    def test_an_ended_phase_is_put_back_with_all_its_attempts(self, log):
        """A requeue after a failure begins anew, not before the time that was given."""
        later = datetime(2099, 1, 1, tzinfo=UTC)
        work(log, A, fails=True)
        autopack.requeue(log, A, why="fixed", actor="ann", not_before=later)
        row = autopack.replay(log, "phases").rows["r1/a"]

        assert ("QUEUED", 1, 0, later) == (
            row.status,
            row.attempts,
            row.attempts_spent,
            row.not_before,
        )

    @pytest.mark.parametrize("act", [autopack.requeue, autopack.cancel, autopack.skip])
    def test_a_phase_that_is_not_there_is_named(self, log, act):
        """No event is written about nothing."""
        with pytest.raises(PhaseMissingError, match="r1/z"):
            act(log, PhaseRef("r1", "z"), why="x")

        assert [] == types(log)

    @pytest.mark.parametrize(
        "act",
        [
            autopack.requeue,
            autopack.cancel,
            autopack.skip,
            partial(autopack.decide_gate, decision="approve"),
        ],
    )
    @pytest.mark.parametrize("why", ["", " "])
    def test_a_reason_is_asked_for(self, log, act, why):
        """Without a reason nothing is changed."""
        with pytest.raises(InvalidInputError, match="Phase r1/a: say why"):
            act(log, A, why=why)

        assert [] == types(log)

    @pytest.mark.parametrize("act", [autopack.pause_run, autopack.resume_run])
    @pytest.mark.parametrize("why", ["", " "])
    def test_a_reason_is_asked_for_runs_too(self, log, act, why):
        """The message asks for a reason, rather than naming the event that needs one."""
        with pytest.raises(InvalidInputError, match="Run r1: say why"):
            act(log, "r1", why=why)

    def test_what_is_queued_is_queued_already(self, log):
        """A requeue of a waiting phase does not say that it cannot become what it is."""
        with pytest.raises(MoveRefusedError, match=r"r1/a is QUEUED already \(a requeue\)"):
            autopack.requeue(log, A, why="again")

    def test_a_done_phase_stays_done(self, log):
        """Nothing undoes a completion."""
        work(log, A)
        for act in (autopack.requeue, autopack.cancel, autopack.skip):
            with pytest.raises(MoveRefusedError, match="COMPLETE"):
                act(log, A, why="x")

        assert "COMPLETE" == state(log)

    @pytest.mark.parametrize(
        ("decision", "status"),
        [("approve", "COMPLETE"), ("reject", "FAILED"), ("requeue", "QUEUED")],
    )
    def test_a_gate_is_decided(self, log, decision, status):
        """The three answers lead to the three states."""
        gate(log, A)
        before = state(log)
        recorded, *_more = autopack.decide_gate(log, A, decision=decision, why="seen", actor="ann")

        assert ("GATED", status) == (before, state(log))
        assert ("ann", "seen") == (recorded.event.by, recorded.event.why)

    def test_a_gate_that_is_not_open_is_not_decided(self, log):
        """And a fourth answer is none."""
        with pytest.raises(MoveRefusedError, match="no gate is open"):
            autopack.decide_gate(log, A, decision="approve", why="x")
        with pytest.raises(InvalidInputError, match="approve, reject, requeue"):
            autopack.decide_gate(log, A, decision="yes", why="x")

    def test_a_paused_run_gives_out_no_phase_until_it_is_resumed(self, log):
        """A pause repeated is no second event."""
        autopack.pause_run(log, "r1", why="lunch")
        autopack.pause_run(log, "r1", why="still lunch")
        with pytest.raises(RunPausedError), autopack.attempt(log, "r1/a"):
            pass
        autopack.resume_run(log, "r1", why="back")
        work(log, A)

        assert ["run.paused", "run.resumed"] == types(log)[:2]
        assert "COMPLETE" == state(log)


class TestFinishing:
    """A run is finished by whatever ends its last phase, and reopened by new work."""

    @pytest.mark.parametrize(
        ("end", "outcome"),
        [
            (lambda log: autopack.skip(log, B, why="x"), "succeeded"),
            (lambda log: autopack.cancel(log, B, why="x"), "cancelled"),
            (lambda log: work(log, B), "succeeded"),
            (lambda log: work(log, B, fails=True), "failed"),
            (
                lambda log: (
                    gate(log, B),
                    autopack.decide_gate(log, B, decision="approve", why="x"),
                ),
                "succeeded",
            ),
            (
                lambda log: (
                    gate(log, B),
                    autopack.decide_gate(log, B, decision="reject", why="x"),
                ),
                "failed",
            ),
        ],
        ids=["skip", "cancel", "attempt", "failed attempt", "approve", "reject"],
    )
    def test_the_end_of_the_last_phase_is_the_end_of_the_run(self, log, end, outcome):
        """The first phase's end finishes nothing, the last one's does, once."""
        work(log, A)
        before = types(log)
        end(log)
        finished = [r.event for r in log.read_all() if r.type == "run.finished"]

        assert "run.finished" not in before
        assert [outcome] == [event.outcome for event in finished]
        assert 2 == sum(finished[0].phases_by_state.values())

    @pytest.mark.parametrize("way", ["requeue", "queue"])
    def test_new_work_reopens_a_finished_run(self, log, way):
        """Requeued or added phases open the run again, with the reason."""
        work(log, A)
        autopack.skip(log, B, why="x")
        if way == "requeue":
            autopack.requeue(log, B, why="after all")
        else:
            autopack.queue_phases(log, "r1", [spec("c")])
        board = autopack.replay(log, "runs").rows["r1"]

        assert ("OPEN", None) == (board.status, board.outcome)
        assert 1 == types(log).count("run.reopened")

    def test_a_requeue_in_an_open_run_reopens_nothing(self, log):
        """Only a finished run is reopened."""
        autopack.skip(log, A, why="x")
        autopack.requeue(log, A, why="after all")

        assert ["phase.skipped", "phase.requeued"] == types(log)

    def test_a_pause_outlasts_the_end_and_the_reopening(self, log):
        """A run reopened while it is paused gives out no phase, and says so."""
        autopack.pause_run(log, "r1", why="lunch")
        autopack.cancel(log, A, why="x")
        autopack.cancel(log, B, why="x")
        autopack.requeue(log, A, why="after all")
        board = autopack.replay(log, "runs").rows["r1"]
        autopack.drain(log, executor=lambda _phase, _attempt: None)

        assert "PAUSED" == board.status
        assert "QUEUED" == state(log)


def test_decisions_survive_closing_and_reopening(log_path):
    """A log that was closed tells the next process the same."""
    with Log(SqliteBackend(log_path)) as log:
        autopack.create_run(log, "r1", [spec("a"), spec("b")])
        autopack.skip(log, A, why="x")
    with autopack.open_log(log_path) as log:
        with pytest.raises(MoveRefusedError):
            autopack.skip(log, A, why="x")
        autopack.requeue(log, A, why="y")

        assert "QUEUED" == state(log)
