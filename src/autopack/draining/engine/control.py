"""What people ask of a drain while it runs: heard from its stream, done, and answered there."""

from collections.abc import Sequence
from typing import Any, Final, get_args

from autopack.draining.engine.drain_session import DrainSession
from autopack.draining.settings.changes import changed, in_words
from autopack.errors import InvalidInputError
from autopack.events import (
    DrainPauseRequested,
    DrainRequest,
    DrainRequestAnswered,
    DrainResumeRequested,
    DrainSetRequested,
)
from autopack.ports.log import Recorded
from autopack.values.ids import drain_stream

_REQUESTS: Final = get_args(DrainRequest)


class Control:
    """
    Hears what is asked of one drain, in whichever process, and does it in this one.

    ``paused`` is the request by which the drain is paused, or None. Not thread-safe: all of it is
    called where the log is touched.
    """

    def __init__(self, session: DrainSession) -> None:
        self.paused: DrainPauseRequested | None = None
        self._session = session
        self._stream = drain_stream(session.drain_id)
        self._due: list[Recorded[Any]] = []

    def begin(self) -> None:
        """Learn whether the drain that is joined or gone on with is paused; hear what follows."""
        follower = self._session.admission.follower
        pauses = (DrainPauseRequested, DrainResumeRequested)
        for recorded in self._session.log.read(self._stream, types=pauses):
            if recorded.position <= follower.position:
                self._note(recorded.event)
        follower.add(self.hear)

    def hear(self, events: Sequence[Recorded[Any]]) -> None:
        """Take note of what is asked among new events."""
        self._due += [
            recorded
            for recorded in events
            if recorded.stream == self._stream and isinstance(recorded.event, _REQUESTS)
        ]

    def take(self) -> list[Recorded[Any]]:
        """Return what was asked and not done yet, in order; it is to be done now."""
        due, self._due = self._due, []
        return due

    def do(self, request: Recorded[Any]) -> None:
        """Do what was asked, and answer."""
        event = request.event
        try:
            if isinstance(event, DrainSetRequested):
                self._set(event)
                answer, detail = "set", in_words(event.settings)
            else:
                self._note(event)
                answer, detail = ("resumed" if self.paused is None else "paused"), event.why
        except InvalidInputError as refused:  # asked by another version, it may be
            answer, detail = "refused", str(refused)
        session = self._session
        session.own.tell(
            DrainRequestAnswered(
                drain_id=session.drain_id,
                worker=session.worker,
                request=request.version,
                answer=answer,
                detail=detail,
            )
        )

    def _note(self, event: object) -> None:
        self.paused = event if isinstance(event, DrainPauseRequested) else None

    def _set(self, event: DrainSetRequested) -> None:
        session = self._session
        settings = changed(session.settings, event.settings)
        session.settings = settings
        session.lanes.go_by(settings.rates)
        session.preparations.most = settings.workers + 1
