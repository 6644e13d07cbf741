"""Decide on what is known, append under its versions, retry on conflict: where core meets log."""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_args

import attrs
from rpds import HashTrieMap

from autopack.aggregates import account, cap, phase, run
from autopack.aggregates.requests import (
    CapRequest,
    ClaimRequest,
    PhaseRequest,
    RunRequest,
    event_of,
)
from autopack.errors import (
    AutopackError,
    PhaseMissingError,
    RunMissingError,
    VersionConflictError,
)
from autopack.events import (
    AccountEvent,
    CapEvent,
    PhaseChecked,
    PhaseCheckpointed,
    PhaseCheckpointsDropped,
    PhaseCompleted,
    PhaseFailed,
    PhaseJudged,
    PhaseQueued,
    RunEvent,
    RunFinished,
)
from autopack.log.journal import Journal
from autopack.log.like_outputs import LikeOutputs
from autopack.log.stream_states import StreamStates
from autopack.log.write_transaction import JournalTransaction
from autopack.ports.log import Entry, Recorded
from autopack.ports.states import OPEN
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS, attempt_key
from autopack.values.ids import (
    PhaseId,
    PhaseRef,
    RunId,
    account_stream,
    cap_stream,
    phase_stream,
    run_stream,
)
from autopack.values.money import Usd

_CONFLICTS_FOR_S: Final = 10.0
_RUN_EVENTS: Final = get_args(RunEvent)
_PHASE_EVENTS: Final = get_args(phase.PhaseStreamEvent)
_CAP_EVENTS: Final = get_args(CapEvent)
_ACCOUNT_EVENTS: Final = get_args(AccountEvent)
_TELLING: Final = (PhaseCompleted, PhaseFailed, PhaseChecked, PhaseJudged)
"""What says of an attempt how large its output was, or that it was no output after all."""
_PHASES: Final = phase_stream("", "").rstrip("/")


Request = RunRequest | PhaseRequest
Build = Callable[[], Sequence[Entry]]
Inside = Callable[[JournalTransaction], None]


@attrs.frozen(kw_only=True)
class PhaseStream:
    """
    What a phase's stream says: its state, and its attempts by key as the account keeps them.

    *checkpoints* are the last of each name, and *position* is that of the last event.
    """

    state: phase.PhaseState = attrs.field(factory=phase.PhaseState)
    attempts: "HashTrieMap[str, AttemptRow]" = attrs.Factory(HashTrieMap)
    checkpoints: "HashTrieMap[str, Recorded[PhaseCheckpointed]]" = attrs.Factory(HashTrieMap)
    position: int = 0


class Handler:
    """
    Does on a log what is asked.

    It decides on what it knows of the streams, and appends under their versions. A conflict means
    that somebody else appended meanwhile: the stream is read on, and the request is decided again
    on what is true now, until a deadline. What is refused on what was known is refused only once
    the streams that were asked have been read to their ends.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._runs = StreamStates(journal, _run_step, run.RunState())
        self._phases = StreamStates(journal, _phase_step, PhaseStream())
        self._caps = StreamStates(journal, _cap_step, cap.CapState())
        self._accounts = StreamStates(journal, _account_step, account.AccountState())
        self.outputs = LikeOutputs(journal)
        self._asked = threading.local()
        self._open_phases: dict[str, tuple[list[str], int]] = {}

    def known_run(self, run_id: str) -> tuple[int, run.RunState]:
        """Return a run's version and state as known."""
        return self._runs.known(self._noted(run_stream(run_id)))

    def known_phase(self, ref: PhaseRef) -> tuple[int, PhaseStream]:
        """Return a phase's version and what its stream says as known."""
        return self._phases.known(self._noted(phase_stream(ref.run_id, ref.phase_id)))

    def known_cap(self, scope: str) -> tuple[int, cap.CapState]:
        """Return a cap's version and state as known; version 0 where no cap was ever set."""
        return self._caps.known(self._noted(cap_stream(scope)))

    def known_account(self, name: str) -> tuple[int, account.AccountState]:
        """Return an account's version and state as known; version 0 where nothing was told."""
        return self._accounts.known(self._noted(account_stream(name)))

    def run_state(self, run_id: str) -> run.RunState:
        """Return a run's state as of now."""
        return self._runs.caught_up(run_stream(run_id))[1]

    def phase_state(self, ref: PhaseRef) -> phase.PhaseState:
        """Return a phase's state as of now; whether it was queued is the run's to know."""
        return self._phases.caught_up(phase_stream(ref.run_id, ref.phase_id))[1].state

    def cap_state(self, scope: str) -> cap.CapState:
        """Return what is spent and set aside under a cap as of now."""
        return self._caps.caught_up(cap_stream(scope))[1]

    def run_caps(self, run_id: str) -> Mapping[str, float | Usd]:
        """Return a run's caps by unit: those it was given last, or was created with."""
        version, state = self._caps.caught_up(cap_stream(f"run-{run_id}"))
        return state.caps if version else self.run_state(run_id).caps

    def attempt(self, ref: PhaseRef, number: int) -> AttemptRow:
        """Return an attempt as known: its calls, what they used, and how it ended."""
        _version, stream = self.known_phase(ref)
        row = stream.attempts.get(attempt_key(ref.run_id, ref.phase_id, number))
        return row or AttemptRow(position=0)

    def attempts_until(self, ref: PhaseRef, position: int) -> Mapping[str, AttemptRow]:
        """Return the attempts at a phase by key as they stood at a position."""
        _version, known = self.known_phase(ref)
        if known.position <= position:
            return known.attempts
        then = PhaseStream()
        for recorded in self.journal.read(phase_stream(ref.run_id, ref.phase_id)):
            if recorded.position > position:
                break
            then = _phase_step(then, recorded)
        return then.attempts

    def queued(self, ref: PhaseRef) -> PhaseQueued:
        """Return what was asked for of a phase, or say that there is none of that name."""
        _version, state = self.known_run(ref.run_id)
        if ref.phase_id not in state.phases:
            state = self.run_state(ref.run_id)
        if not state.exists and not state.phases:
            raise RunMissingError(ref.run_id)
        if ref.phase_id not in state.phases:
            in_order = sorted(state.phases.values(), key=lambda phase: phase.index)
            raise PhaseMissingError(ref, known=[phase.phase_id for phase in in_order])
        return state.phases[ref.phase_id]

    def expect_new(self, ref: PhaseRef) -> None:
        """Take it that a phase has no events yet, if nothing is known of it; a claim asserts it."""
        self._phases.expect_new(phase_stream(ref.run_id, ref.phase_id))

    def learn(self, events: Sequence[Recorded[Any]]) -> None:
        """Take in events that were recorded, by whomever, so that they need not be read again."""
        for states in (self._runs, self._phases, self._caps, self._accounts):
            states.learn(events)
        for recorded in events:
            if isinstance(event := recorded.event, _TELLING):
                stream = self._phases.held(recorded.stream)
                key = attempt_key(event.run_id, event.phase_id, event.attempt or 0)
                if stream is not None and (row := stream.attempts.get(key)) is not None:
                    self.outputs.learn(row)

    def append(self, build: Build, *, inside: Inside | None = None) -> list[Recorded[Any]]:
        """
        Append what *build* returns, all or nothing.

        Args:
            build: Decides on what the ``known_`` methods tell, and returns
                entries under their versions; none if nothing is to be done. It is called again
                after a conflict, and before a refusal of its is believed.
            inside: Called within the transaction after the append, e.g. for the lease.

        Raises:
            VersionConflictError: Others kept appending for 10 s.
        """
        give_up = time.monotonic() + _CONFLICTS_FOR_S
        is_fresh = False
        while True:
            entries, is_fresh = self._built(build, is_fresh)
            if not any(events for _stream, events, _version in entries):
                return []
            batch = self.journal.redacted_entries(entries)
            try:
                with self.journal.transaction() as transaction:
                    recorded = transaction.append_batch(batch)
                    if inside is not None:
                        inside(transaction)
            except VersionConflictError as conflict:
                if time.monotonic() > give_up:
                    raise
                self._catch_up(conflict.stream)
                time.sleep(random.uniform(0, 0.01))
                continue
            self.learn(transaction.appended)
            return recorded

    def handle(
        self,
        request: Request | Callable[[], Request],
        *,
        also: Sequence[Entry] | Callable[[], Sequence[Entry]] = (),
        inside: Inside | None = None,
    ) -> list[Recorded[Any]]:
        """
        Decide what is asked of a run or a phase, and append its events.

        A claim also asserts that the run did not change, so that a pause in between is a conflict.

        Args:
            request: What is asked; a function is asked for it anew after each conflict.
            also: Entries appended in the same batch, if the request caused any event; a
                function is asked for them anew after each conflict.
            inside: Called within the transaction after the append, e.g. for the lease.

        Returns:
            The request's events as recorded, without those of *also*.

        Raises:
            CommandRefusedError: The request is not allowed now; nothing was appended.
            VersionConflictError: Others kept appending for 10 s.
        """
        n_own = 0

        def build() -> list[Entry]:
            nonlocal n_own
            entries = self._decided(request() if callable(request) else request)
            n_own = len(entries[0][1])
            if not n_own:
                return []
            return [*entries, *(also() if callable(also) else also)]

        return self.append(build, inside=inside)[:n_own]

    def decided(self, request: CapRequest, *, allow_unknown_price: bool = False) -> Entry:
        """Return what is caused on a cap, to be appended in a batch with something else."""
        version, state = self.known_cap(request.scope)
        events = cap.decide(request, state, allow_unknown_price=allow_unknown_price)
        return cap_stream(request.scope), events, version

    def finish_run(self, run_id: str) -> list[Recorded[Any]]:
        """
        Record that a run is finished, if none of its phases has work ahead; else do nothing.

        The event rests on how each phase stands, so it is appended under the versions of all.
        """
        if self._has_open_phase(run_id):
            return []

        def build() -> list[Entry]:
            version, state = self.known_run(run_id)
            found = {name: self.known_phase(_ref(run_id, name)) for name in state.phases}
            counts: dict[str, int] = {}
            for _version, stream in found.values():
                counts[stream.state.status] = counts.get(stream.state.status, 0) + 1
            if not state.phases:
                return []
            finished = RunFinished(
                run_id=run_id, outcome=run.outcome_of(counts), phases_by_state=counts
            )
            events = run.decide(finished, state)
            asserted: list[Entry] = [
                (phase_stream(run_id, name), [], found[name][0]) for name in found
            ]
            return [(run_stream(run_id), events, version), *asserted]

        return self.append(build)

    def _has_open_phase(self, run_id: str) -> bool:
        """
        Tell whether a phase of the run has work ahead.

        The one that was found last is looked at first, so that a run of any length costs one look
        for each phase that ends; only once none seems open are all of them gone through again.
        """
        _version, state = self.known_run(run_id)
        names, place = self._open_phases.get(run_id, ([], 0))
        if len(names) != len(state.phases):
            latest = sorted(state.phases.values(), key=lambda phase: -phase.index)
            names, place = [phase.phase_id for phase in latest], 0
        for start in dict.fromkeys((place, 0)):
            for at in range(start, len(names)):
                if self._is_open(_ref(run_id, names[at])):
                    self._open_phases[run_id] = names, at
                    return True
        self._open_phases.pop(run_id, None)
        return False

    def _is_open(self, ref: PhaseRef) -> bool:
        is_known_open = self.known_phase(ref)[1].state.status in OPEN
        return is_known_open and self.phase_state(ref).status in OPEN

    def _built(self, build: Build, is_fresh: bool) -> tuple[Sequence[Entry], bool]:
        """Return what *build* says; what says nothing, or no, is asked again on fresh states."""
        self._asked.streams = []
        try:
            entries = build()
        except AutopackError:
            if is_fresh:
                raise
        else:
            if is_fresh or any(events for _stream, events, _version in entries):
                return entries, is_fresh
        for stream in dict.fromkeys(self._asked.streams):
            self._catch_up(stream)
        return build(), True

    def _catch_up(self, stream: str) -> None:
        for prefix, states in (
            (run_stream(""), self._runs),
            (_PHASES, self._phases),
            (cap_stream(""), self._caps),
            (account_stream(""), self._accounts),
        ):
            if stream.startswith(prefix):
                states.caught_up(stream)

    def _noted(self, stream: str) -> str:
        asked: list[str] | None = getattr(self._asked, "streams", None)
        if asked is not None:
            asked.append(stream)
        return stream

    def _decided(self, request: Request) -> list[Entry]:
        if isinstance(request, RunRequest):
            version, state = self.known_run(request.run_id)
            return [(run_stream(request.run_id), run.decide(request, state), version)]
        asked = event_of(request)
        ref = PhaseRef(RunId(asked.run_id), PhaseId(asked.phase_id))
        self.queued(ref)
        version, stream = self.known_phase(ref)
        events = phase.decide(request, stream.state)
        entries: list[Entry] = [(phase_stream(ref.run_id, ref.phase_id), events, version)]
        if isinstance(request, ClaimRequest):
            run_version, run_state = self.known_run(ref.run_id)
            run.check_claimable(run_state)
            entries.append((run_stream(ref.run_id), [], run_version))
        return entries


def _ref(run_id: str, phase_id: str) -> PhaseRef:
    return PhaseRef.parse(f"{run_id}/{phase_id}")


# A plugin's own events on the same stream are not the core's to fold.


def _run_step(state: run.RunState, recorded: Recorded[Any]) -> run.RunState:
    event = recorded.event
    return run.evolve(state, event) if isinstance(event, _RUN_EVENTS) else state


def _cap_step(state: cap.CapState, recorded: Recorded[Any]) -> cap.CapState:
    event = recorded.event
    return cap.evolve(state, event) if isinstance(event, _CAP_EVENTS) else state


def _account_step(state: account.AccountState, recorded: Recorded[Any]) -> account.AccountState:
    event = recorded.event
    return account.evolve(state, event) if isinstance(event, _ACCOUNT_EVENTS) else state


def _phase_step(stream: PhaseStream, recorded: Recorded[Any]) -> PhaseStream:
    event, attempts, at = recorded.event, stream.attempts, recorded.position
    if isinstance(event, PhaseCheckpointed):
        checkpoints = stream.checkpoints.insert(event.name, recorded)
        return attrs.evolve(stream, checkpoints=checkpoints, position=at)
    if isinstance(event, PhaseCheckpointsDropped):
        return attrs.evolve(stream, checkpoints=HashTrieMap(), position=at)
    if not isinstance(event, _PHASE_EVENTS):
        return stream
    if isinstance(event, ATTEMPTS.types) and (key := ATTEMPTS.key(recorded)) is not None:
        row = ATTEMPTS.project(attempts.get(key), recorded)
        attempts = attempts if row is None else attempts.insert(key, row)
    state = phase.evolve(stream.state, event)
    return attrs.evolve(stream, state=state, attempts=attempts, position=at)
