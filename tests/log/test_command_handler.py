"""Where core and log meet: the tail is folded, a conflict is decided again."""

from datetime import UTC, datetime

import pytest

from autopack.aggregates.requests import ClaimRequest, PhasesRequest
from autopack.draining.attempts.requeue import requeue_phase
from autopack.errors import (
    MoveRefusedError,
    PhaseMissingError,
    RunMissingError,
    RunPausedError,
    VersionConflictError,
)
from autopack.events import (
    PhaseClaimed,
    PhaseSkipped,
    RunCreated,
    RunFinished,
    RunPaused,
    RunPrepared,
    RunResumed,
    event,
)
from autopack.log import command_handler as handler_module
from autopack.log import stream_states
from autopack.log.command_handler import Handler
from autopack.log.log import Log, handler_of, journal_of
from autopack.ports.backend import Lease
from autopack.ports.log import ANY, UnrecognisedEvent
from autopack.ports.prediction import PhaseSpec
from autopack.testing.facts import completed, paused, queued
from autopack.values.ids import PhaseRef, phase_stream, run_stream

REF = PhaseRef("r1", "a")
PHASE, RUN = phase_stream("r1", "a"), run_stream("r1")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLAIMED = PhaseClaimed(run_id="r1", phase_id="a", attempt=1, worker="w1", lease_token="t1")
CLAIM = ClaimRequest(event=CLAIMED, max_attempts=3, now=NOON)
BEGUN = ["phase.claimed", "phase.started"]
PAUSE = RunPaused(run_id="r1", why="lunch", actor="ann")
RESUME = RunResumed(run_id="r1", why="x", actor="ann")


def skip(ref=REF):
    return PhaseSkipped(run_id=ref.run_id, phase_id=ref.phase_id, by="ann", why="no need")


def create(*phases, **fields):
    created = RunCreated(run_id="r1", **fields)
    return PhasesRequest(run_id="r1", phases=phases, created=created)


@pytest.fixture
def handler(journal):
    """A handler on every backend, with one run of two phases."""
    handler = Handler(journal)
    specs = [PhaseSpec(name, category="tests", complexity="low") for name in "ab"]
    handler.handle(create(*specs, caps={"tokens": 7}))
    return handler


class TestHandle:
    """What is asked is appended to its stream."""

    def test_events_go_to_the_stream_of_their_subject(self, handler):
        """A run's events are on the run's stream, a phase's on the phase's."""
        recorded, _started = handler.handle(CLAIM)
        (stopped,) = handler.handle(PAUSE)

        assert (PHASE, 1, 4) == (recorded.stream, recorded.version, recorded.position)
        assert (RUN, 4) == (stopped.stream, stopped.version)

    def test_a_request_that_decides_nothing_appends_nothing(self, handler):
        """Not even what it would have brought along."""
        brought = [("notes", [paused()], ANY)]

        assert [] == handler.handle(RESUME, also=brought)
        assert 3 == handler.journal.head().position

    def test_a_refusal_appends_nothing(self, handler):
        """What is refused leaves no trace."""
        handler.handle(skip())
        with pytest.raises(MoveRefusedError):
            handler.handle(CLAIM, also=[("notes", [paused()], ANY)])

        assert 4 == handler.journal.head().position

    def test_what_is_brought_along_is_in_the_same_batch(self, handler):
        """Both are appended, and only the request's own events are answered."""
        answer = handler.handle(CLAIM, also=[("notes", [paused()], ANY)])

        assert [PHASE, PHASE] == [r.stream for r in answer]
        assert [PHASE, PHASE, "notes"] == [r.stream for r in handler.journal.read_all(after=3)]

    def test_what_is_done_inside_stands_and_falls_with_the_events(self, handler):
        """A lease is written with its claim, or neither is."""

        def lease(transaction):
            transaction.store.put_lease(Lease(key=str(REF), token="t1", worker="w1", expires_at=1))
            raise KeyError("power cut")

        with pytest.raises(KeyError):
            handler.handle(CLAIM, inside=lease)

        assert [] == handler.journal.backend.leases()
        assert 0 == handler.journal.backend.stream_versions([PHASE])[PHASE]
        assert BEGUN == [r.type for r in handler.handle(CLAIM)]

    @pytest.mark.parametrize(
        ("ref", "fault"),
        [(PhaseRef("r9", "a"), RunMissingError), (PhaseRef("r1", "z"), PhaseMissingError)],
    )
    def test_a_phase_that_nobody_queued_is_named(self, handler, ref, fault):
        """Which of run and phase is missing is said."""
        with pytest.raises(fault, match=ref.run_id):
            handler.handle(skip(ref))

    def test_caps_and_requests_are_read_from_the_run(self, handler):
        """What the run was created with is there for whoever asks."""
        assert {"tokens": 7} == handler.run_caps("r1")
        assert ("a", 0) == (handler.queued(REF).phase_id, handler.queued(REF).index)

    def test_a_log_has_one_handler(self, log):
        """So what was folded once is remembered."""
        assert handler_of(log) is handler_of(log)


class TestTail:
    """A stream is folded once; after that only its tail."""

    def test_only_the_tail_is_read(self, handler, monkeypatch):
        """The second look reads from the version of the first."""
        handler.handle(CLAIM)
        asked = []
        read = handler.journal.backend.stream_page

        def noted(stream, *, after_version, limit):
            asked.append((stream, after_version))
            return read(stream, after_version=after_version, limit=limit)

        monkeypatch.setattr(handler.journal.backend, "stream_page", noted)
        handler.phase_state(REF)
        handler.journal.append(PHASE, [completed()], expected_version=2)
        state = handler.phase_state(REF)
        handler.phase_state(REF)

        assert [(PHASE, 2), (PHASE, 2), (PHASE, 3)] == asked
        assert "COMPLETE" == state.status

    def test_what_others_append_is_seen(self, handler):
        """Another handler of the same log has its say."""
        Handler(handler.journal).handle(skip())

        assert "SKIPPED" == handler.phase_state(REF).status

    def test_an_event_that_nobody_registered_is_passed_by(self, handler):
        """A plugin's fact on a phase's stream changes no state, but its version counts."""
        kept = UnrecognisedEvent("weather.changed", 1, "{}")
        handler.journal.append(PHASE, [kept], expected_version=0)
        recorded, _started = handler.handle(CLAIM)

        assert 2 == recorded.version

    def test_a_plugins_registered_event_is_passed_by_too(self, handler):
        """The core folds its own events only, also on a stream that a plugin writes to."""

        @event("weather.turned")
        class WeatherTurned:
            sky: str

        handler.journal.codec.register(WeatherTurned)
        for stream, version in ((PHASE, 0), (RUN, 3)):
            handler.journal.append(stream, [WeatherTurned(sky="grey")], expected_version=version)
        recorded, _started = handler.handle(CLAIM)

        assert 2 == recorded.version

    def test_forgotten_streams_are_folded_again(self, handler, monkeypatch):
        """Memory is bounded; what was dropped is read anew with the same answer."""
        monkeypatch.setattr(stream_states, "_KEPT_MOST", 1)
        handler.handle(CLAIM)
        handler.handle(skip(PhaseRef("r1", "b")))

        assert "RUNNING" == handler.phase_state(REF).status
        assert "SKIPPED" == handler.phase_state(PhaseRef("r1", "b")).status


class TestKnown:
    """What is known may be old: a refusal, and that nothing is to be done, are looked at again."""

    def test_what_seems_done_is_looked_at_again(self, handler):
        """A run that was running when it was last seen was paused since."""
        handler.run_state("r1")
        Handler(handler.journal).handle(PAUSE)
        (resumed,) = handler.handle(RESUME)

        assert "run.resumed" == resumed.type

    def test_what_seems_refused_is_looked_at_again(self, handler):
        """A paused run was resumed since."""
        other = Handler(handler.journal)
        handler.handle(PAUSE)
        other.handle(RESUME)

        assert BEGUN == [one.type for one in handler.handle(CLAIM)]

    def test_a_phase_that_was_added_since_is_there(self, handler):
        """The run is read on for a name that it did not have."""
        spec = PhaseSpec("late", category="tests", complexity="low")
        Handler(handler.journal).handle(PhasesRequest(run_id="r1", phases=(spec,)))
        ref = PhaseRef("r1", "late")

        assert ["phase.skipped"] == [one.type for one in handler.handle(skip(ref))]


class Intruder(Handler):
    """A handler whose log is changed by somebody else between its read and its append."""

    def __init__(self, journal, *moves):
        super().__init__(journal)
        self.moves, self.decisions = list(moves), 0

    def _decided(self, request):
        self.decisions += 1
        entries = super()._decided(request)
        if self.moves:
            Handler(self.journal).handle(self.moves.pop(0))
        return entries


class TestConflict:
    """Somebody else was faster: the request is decided again on what is true now."""

    def test_a_conflict_is_decided_again(self, handler):
        """A pause that came in between is no obstacle to what is still right."""
        intruder = Intruder(handler.journal, PAUSE)
        (recorded,) = intruder.handle(RunPrepared(run_id="r1", commit="abc"))

        assert 2 == intruder.decisions
        assert 5 == recorded.version

    def test_what_is_no_longer_allowed_is_refused(self, handler):
        """The second decision sees what came in between."""
        with pytest.raises(MoveRefusedError, match="SKIPPED"):
            Intruder(handler.journal, skip()).handle(CLAIM)

        assert ["phase.skipped"] == [r.type for r in handler.journal.read(PHASE)]

    def test_what_was_done_meanwhile_decides_nothing(self, handler):
        """Two who finish one run append one end."""
        counts = {"COMPLETE": 2}
        finish = RunFinished(run_id="r1", outcome="succeeded", phases_by_state=counts)

        assert [] == Intruder(handler.journal, finish).handle(finish)
        assert ["run.finished"] == [r.type for r in handler.journal.read(RUN, after_version=3)]

    def test_a_pause_between_read_and_claim_is_a_conflict(self, handler):
        """A claim also asserts that its run did not change, so no claim slips past a pause."""
        with pytest.raises(RunPausedError):
            Intruder(handler.journal, PAUSE).handle(CLAIM)

        assert 0 == handler.journal.backend.stream_versions([PHASE])[PHASE]

    def test_a_run_that_changed_otherwise_is_claimed_from(self, handler):
        """The claim is decided again, and allowed again."""
        intruder = Intruder(handler.journal, RunPrepared(run_id="r1"))
        begun = [recorded.type for recorded in intruder.handle(CLAIM)]

        assert (2, BEGUN) == (intruder.decisions, begun)

    def test_endless_conflicts_end_in_an_error(self, handler, monkeypatch):
        """Whoever is always too late gives up, and nothing was appended."""
        monkeypatch.setattr(handler_module, "_CONFLICTS_FOR_S", 0.05)

        class Busy(Handler):
            def _decided(self, request):
                entries = super()._decided(request)
                self.journal.append(PHASE, [queued("noise")], expected_version=ANY)
                return entries

        with pytest.raises(VersionConflictError):
            Busy(handler.journal).handle(CLAIM)

        assert {"phase.queued"} == {r.type for r in handler.journal.read(PHASE)}

    def test_what_is_brought_along_is_asked_for_anew(self, handler, monkeypatch):
        """After a conflict a function tells what goes with the second decision."""
        monkeypatch.setattr(handler_module, "_CONFLICTS_FOR_S", 0.5)
        intruder, asked = Intruder(handler.journal, PAUSE), []

        def also():
            asked.append(intruder.known_run("r1")[0])
            return [(RUN, [], asked[-1])]

        (recorded,) = intruder.handle(skip(), also=also)

        assert ("phase.skipped", [3, 4]) == (recorded.type, asked)

    def test_a_requeue_beside_a_change_of_its_run_is_done(self, handler, monkeypatch):
        """Whether the run is to be opened again is looked at anew with each decision."""
        monkeypatch.setattr(handler_module, "_CONFLICTS_FOR_S", 0.5)
        handler.handle(skip())
        intruder = Intruder(handler.journal, PAUSE)
        (recorded,) = requeue_phase(intruder, REF, by="ann", why="again")

        assert ("phase.requeued", 2) == (recorded.type, intruder.decisions)

    def test_a_brought_entry_can_conflict_too(self, handler, monkeypatch):
        """What is brought along with a wrong version refuses the whole batch."""
        monkeypatch.setattr(handler_module, "_CONFLICTS_FOR_S", 0.0)
        with pytest.raises(VersionConflictError, match="notes"):
            handler.handle(CLAIM, also=[("notes", [paused()], 5)])

        assert 3 == handler.journal.head().position


def test_two_handlers_in_two_connections_agree(log_path):
    """Handlers of two open logs on one file see each other's decisions."""
    from autopack.log.backends.sqlite.store import SqliteBackend

    with Log(SqliteBackend(log_path)) as one, Log(SqliteBackend(log_path)) as two:
        spec = PhaseSpec("a", category="tests", complexity="low")
        Handler(journal_of(one)).handle(create(spec))
        Handler(journal_of(two)).handle(CLAIM)
        with pytest.raises(MoveRefusedError, match="RUNNING"):
            Handler(journal_of(one)).handle(CLAIM)

        assert "t1" == Handler(journal_of(one)).phase_state(REF).lease_token
