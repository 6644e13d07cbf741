"""What a drain's strategies have answered, as the log has it: choices, and words on failures."""

from collections.abc import Iterator
from typing import Any, Final

import attrs

from autopack.draining.engine.choices import WAITS_FOR_NOTHING
from autopack.draining.simulation.replayed_choices import StrategyAnswer
from autopack.errors import InvalidInputError
from autopack.events import (
    DrainPhaseSelected,
    DrainStarted,
    DrainStopped,
    PhaseClaimed,
    PhaseFailed,
    PhaseTimedOut,
)
from autopack.log.log import Log
from autopack.ports.importing import IMPORTED
from autopack.ports.log import Recorded
from autopack.values.ids import drain_stream

_KINDS: Final = (
    DrainStarted, DrainPhaseSelected, PhaseClaimed, DrainStopped, PhaseFailed, PhaseTimedOut,
)  # fmt: skip
_OF_ANOTHER: Final = "it was imported: the places that it names are another log's"


@attrs.frozen(kw_only=True)
class RecordedChoice:
    """A choice on record, with the claim beside it and its worker's start."""

    recorded: Recorded[DrainPhaseSelected]
    claim: PhaseClaimed
    started: Recorded[DrainStarted]

    @property
    def key(self) -> str:
        """``RUN/PHASE``."""
        return f"{self.claim.run_id}/{self.claim.phase_id}"

    @property
    def why_not(self) -> str | None:
        """Why the strategy cannot be asked again."""
        if IMPORTED in self.recorded.meta or IMPORTED in self.started.meta:
            return _OF_ANOTHER
        if self.recorded.event.read_to is None or self.started.event.read_to is None:
            return "it is from before choices noted what they went by"
        return None

    def answer(self, act: str) -> StrategyAnswer:
        """Return what was chosen; *act* is ``retry`` where it was a failed phase."""
        return StrategyAnswer(
            act=act,
            phase=self.key,
            model=self.claim.model,
            executor=self.claim.executor or self.started.event.executor,
            reason=self.recorded.event.reason,
        )


@attrs.frozen(kw_only=True)
class RecordedFailure:
    """A failure of which a strategy said something, with the start of the worker that asked."""

    recorded: Recorded[PhaseFailed | PhaseTimedOut]
    started: Recorded[DrainStarted]

    @property
    def key(self) -> str:
        """``RUN/PHASE``."""
        return f"{self.recorded.event.run_id}/{self.recorded.event.phase_id}"

    @property
    def why_not(self) -> str | None:
        """Why the strategy cannot be asked again."""
        return _OF_ANOTHER if IMPORTED in self.recorded.meta else None

    @property
    def answer(self) -> StrategyAnswer:
        """What was said."""
        event = self.recorded.event
        act, reason = str(event.followed.get("act")), event.followed_why or ""
        return StrategyAnswer(act=act, phase=self.key, reason=reason)


@attrs.frozen(kw_only=True)
class RecordedEnd:
    """The end of a drain that its strategy put to it, with the start of the worker that asked."""

    recorded: Recorded[DrainStopped]
    started: Recorded[DrainStarted]

    @property
    def why_not(self) -> str | None:
        """Why the strategy cannot be asked again."""
        is_of_another = IMPORTED in self.recorded.meta or IMPORTED in self.started.meta
        return _OF_ANOTHER if is_of_another else None

    def answer(self, _act: str) -> StrategyAnswer:
        """Return what was answered."""
        event = self.recorded.event
        reason = (event.detail or "").removeprefix(WAITS_FOR_NOTHING)
        return StrategyAnswer(act=event.answer or "", reason=reason)


@attrs.frozen(kw_only=True)
class DrainRecord:
    """
    What strategies of a drain answered, each in the order of the log.

    Args:
        answered: Choices, and ends that a strategy put to it.
        stopped: Why the drain ended last, if it did.
    """

    answered: tuple[RecordedChoice | RecordedEnd, ...]
    followed: tuple[RecordedFailure, ...]
    stopped: str | None


def on_record(log: Log, drain_id: str) -> DrainRecord:
    """Return what the log has of a drain's choices, by all of its workers."""
    starts: dict[str, Recorded[DrainStarted]] = {}
    claims: dict[str, PhaseClaimed] = {}
    answered: list[RecordedChoice | RecordedEnd] = []
    followed: list[RecordedFailure] = []
    stopped: str | None = None
    every: Iterator[Recorded[Any]] = log.read_all(types=_KINDS)
    for recorded in every:
        event = recorded.event
        if isinstance(event, PhaseClaimed):
            if event.drain == drain_id:
                claims[f"{event.run_id}/{event.phase_id}"] = event
        elif isinstance(event, PhaseFailed | PhaseTimedOut):
            started = starts.get(event.followed.get("worker", ""))
            if started is not None:
                followed.append(RecordedFailure(recorded=recorded, started=started))
        elif event.drain_id != drain_id:
            continue
        elif isinstance(event, DrainStarted):
            starts[event.worker] = recorded
        elif isinstance(event, DrainStopped):
            stopped = event.reason
            started = starts.get(event.worker or "")
            if event.answer is not None and started is not None:
                answered.append(RecordedEnd(recorded=recorded, started=started))
        elif (claim := claims.get(f"{event.run_id}/{event.phase_id}")) is not None:
            started = starts.get(claim.worker)
            if started is not None:
                answered.append(RecordedChoice(recorded=recorded, claim=claim, started=started))
    return DrainRecord(answered=tuple(answered), followed=tuple(followed), stopped=stopped)


def first_start(log: Log, drain_id: str) -> Recorded[DrainStarted]:
    """
    Return what a drain recorded as it first began.

    Raises:
        InvalidInputError: It did not.
    """
    for recorded in log.read(drain_stream(drain_id), types=[DrainStarted]):
        return recorded
    raise InvalidInputError(f"Drain {drain_id} has not begun yet.", name="drain_id", value=drain_id)
