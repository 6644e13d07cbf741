"""Folders in a drain: what happens when they cannot be made, are lost, or are asked about."""

import threading

import pytest

import autopack
from autopack import Completed, Failed, NeedsPerson, PhaseRef, PhaseSpec
from autopack.errors import InvalidInputError, LeaseLostError
from autopack.events import RunPrepared, WorkspaceOpened
from autopack.ports.work import Prepared
from autopack.testing.mutants.workspaces import Copies
from autopack.types import Opened

REF = PhaseRef("r", "p")


@pytest.fixture
def log():
    with autopack.create_log("memory:") as log:
        autopack.create_run(log, "r", [PhaseSpec("p", max_attempts=2)])
        yield log


def drained(log, keeper, work=lambda _phase, _attempt: Completed(), **settings):
    quick = {"backoff_base_s": 0.01, "backoff_cap_s": 0.01}
    return autopack.drain(log, executor=work, workspace=keeper, **quick, **settings)


def phase_of(log):
    return autopack.get_phase(log, REF)


class TestOpening:
    """Before the executor."""

    def test_a_folder_that_cannot_be_made_fails_the_attempt(self, log):
        """Its executor is not called, and the reason is told."""

        class Broken(Copies):
            def open(self, attempt):
                raise RuntimeError("no room")

        called = []
        drained(log, Broken(), lambda *_given: called.append(1))

        assert [] == called
        assert ("FAILED", "workspace_failed") == (phase_of(log).status, phase_of(log).reason_code)
        assert "no room" in phase_of(log).reason

    def test_an_outcome_stands_for_the_executors(self, log):
        """It is settled as that would be, and the executor is not called."""

        class Done(Copies):
            def open(self, attempt):
                return Opened(super().open(attempt), Completed(summary="it was done"))

        called = []
        drained(log, Done(), lambda *_given: called.append(1))

        assert [] == called
        assert ("COMPLETE", "it was done") == (phase_of(log).status, phase_of(log).summary)

    def test_without_a_folder_a_person_can_be_asked(self, log):
        """Nothing is settled where nothing was opened."""

        class Asks(Copies):
            def open(self, attempt):
                return Opened(None, NeedsPerson("Where to?"))

            def settle(self, attempt, outcome):
                raise AssertionError("there was no folder")

        drained(log, Asks())

        assert ("GATED", "Where to?") == (phase_of(log).status, phase_of(log).reason)


class TestSettling:
    """After the checks, before the end is recorded."""

    @pytest.mark.parametrize(
        ("given", "status"),
        [
            (Failed("red", "it fails", retryable=False), "FAILED"),
            (NeedsPerson("Is it so?"), "GATED"),
            (Completed(summary="kept"), "COMPLETE"),
        ],
    )
    def test_what_it_gives_is_what_is_recorded(self, log, given, status):
        """Whatever the executor said."""

        class Says(Copies):
            def settle(self, attempt, outcome):
                return given

        drained(log, Says())

        assert status == phase_of(log).status

    def test_work_that_cannot_be_kept_fails(self, log):
        """With the traceback, as an executor's error does."""

        class Broken(Copies):
            def settle(self, attempt, outcome):
                raise RuntimeError("no room")

        drained(log, Broken())

        assert "workspace_failed" == phase_of(log).reason_code
        assert "traceback" in phase_of(log).artifacts

    def test_a_question_is_asked_before_anything_is_merged(self, log):
        """Whoever keeps the folder is told of a gate's question, and may not complete it."""
        seen = []

        class Sees(Copies):
            def settle(self, attempt, outcome):
                seen.append(outcome)
                return outcome

        autopack.create_run(log, "g", [PhaseSpec("p", labels={"gate": "Good?"})])
        drained(log, Sees(), run_id="g")

        assert [NeedsPerson("Good?")] == seen
        assert "GATED" == autopack.get_phase(log, PhaseRef("g", "p")).status

    def test_who_lost_the_phase_records_nothing_more(self, log):
        """It was taken while the work was being kept: the next attempt stands."""
        seen = []

        class Slow(Copies):
            def settle(self, attempt, outcome):
                if attempt.number == 1:
                    autopack.cancel(log, REF, why="not this one")
                    with pytest.raises(LeaseLostError):
                        attempt.confirm()
                    with pytest.raises(LeaseLostError):
                        self.tell(attempt, self.root)
                    seen.append("lost")
                    attempt.confirm()
                return outcome

        drained(log, Slow())

        assert ["lost"] == seen
        assert "CANCELLED" == phase_of(log).status


class TestPreparing:
    """Once a run."""

    def test_both_say_what_a_run_starts_from(self, log):
        """The workspace first, then the executor, which has the last word."""

        class Starts(Copies):
            def prepare(self, run, check):
                return Prepared(commit="abc", environment={"a": "1", "b": "1"}, summary="one")

        class Executor:
            def prepare(self, run):
                return Prepared(environment={"b": "2"}, summary="two")

            def execute(self, phase, attempt):
                return Completed()

        drained(log, Starts(), Executor())
        (event,) = [recorded.event for recorded in log.read_all(types=[RunPrepared])]

        assert ("abc", {"a": "1", "b": "2"}, "one two") == (
            event.commit,
            event.environment,
            event.summary,
        )


def test_a_sweep_that_fails_stops_no_drain(log):
    """It is told, and work goes on."""

    class Broken(Copies):
        def sweep(self, log):
            raise RuntimeError("no")

    drained(log, Broken())

    assert "COMPLETE" == phase_of(log).status


def test_several_are_opened_at_once(log):
    """Threads do not wait for each other."""
    autopack.create_run(log, "many", [PhaseSpec(f"p{n}") for n in range(3)])
    all_of_them = threading.Barrier(3, timeout=30)

    class Meets(Copies):
        def open(self, attempt):
            all_of_them.wait()
            return super().open(attempt)

    drained(log, Meets(), run_id="many", workers=3)

    assert 3 == len(list(log.read_all(types=[WorkspaceOpened])))


@pytest.mark.parametrize("wanted", [7, "copies", {"integrate": "rebase"}, Completed])
def test_what_keeps_no_folders_is_refused(log, wanted, tmp_path, monkeypatch):
    """By what it lacks; a text that is no name is a folder."""
    monkeypatch.chdir(tmp_path)
    if wanted == "copies":
        drained(log, wanted)
        assert "COMPLETE" == phase_of(log).status
        return
    with pytest.raises(InvalidInputError):
        drained(log, wanted)
