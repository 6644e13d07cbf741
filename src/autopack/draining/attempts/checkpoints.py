"""How far an attempt came, kept beside the log for the next one."""

import threading
from typing import Final

from autopack.draining.attempts.claims import Claims
from autopack.draining.attempts.held_streams import held_stream
from autopack.draining.attempts.machine_faults import patiently
from autopack.draining.attempts.storable_text import storable
from autopack.errors import InvalidInputError
from autopack.events import PhaseCheckpointed
from autopack.format.redaction import clean
from autopack.log.command_handler import Handler
from autopack.ports.attempt import AttemptCheckpoint
from autopack.ports.log import Entry, Recorded
from autopack.values.ids import PhaseRef, phase_stream

CHECKPOINT_MOST: Final = 10_000_000
"""So many characters a checkpoint may have."""
_NAME_MOST: Final = 200


class Checkpointing:
    """What an attempt can keep, and what was kept of its phase; part of a ``LiveAttempt``."""

    ref: PhaseRef
    number: int
    lease_token: str
    _handler: Handler
    _claims: Claims
    _is_patient: bool
    _keeping: threading.Lock

    def checkpoint(self, name: str, text: str) -> str:
        """
        Keep how far the attempt came, for the next one; durable on return.

        Returns:
            The digest of the text, which is stored beside the log.

        Raises:
            InvalidInputError: The name is no text or has over 200 characters, or the text over
                ten million.
            LeaseLostError: The phase is not this worker's any more; nothing is kept.
        """
        _check(name, text)
        with self._keeping:  # of two threads the one that ends later is the last
            if not self._is_patient:
                return self._kept(name, text)
            return patiently(lambda: self._kept(name, text))

    async def acheckpoint(self, name: str, text: str) -> str:
        """Do as :meth:`checkpoint` does, in a thread, even if the task is cancelled."""
        return await self._handler.journal.pool.call(self.checkpoint, name, text)

    @property
    def last_checkpoint(self) -> AttemptCheckpoint | None:
        """What was kept last at this phase, by this attempt or one before; None if nothing was."""
        _version, stream = self._handler.known_phase(self.ref)
        last = max(stream.checkpoints.values(), key=_position, default=None)
        return None if last is None else self._whole(last)

    @property
    def checkpoints(self) -> dict[str, AttemptCheckpoint]:
        """What was kept last at this phase under each name, in the order in which it was kept."""
        _version, stream = self._handler.known_phase(self.ref)
        kept = sorted(stream.checkpoints.values(), key=_position)
        return {one.event.name: self._whole(one) for one in kept}

    def checkpoint_of(self, name: str) -> AttemptCheckpoint | None:
        """Return what was kept last at this phase under a name."""
        _version, stream = self._handler.known_phase(self.ref)
        kept = stream.checkpoints.get(name)
        return None if kept is None else self._whole(kept)

    def _kept(self, name: str, text: str) -> str:
        digest = self._claims.store_text(self.lease_token, clean(storable, text))
        event = PhaseCheckpointed(
            run_id=self.ref.run_id,
            phase_id=self.ref.phase_id,
            attempt=self.number,
            lease_token=self.lease_token,
            name=storable(name),
            digest=digest,
        )

        def build() -> list[Entry]:
            version, _stream = held_stream(self._handler, self.ref, self.lease_token)
            return [(phase_stream(self.ref.run_id, self.ref.phase_id), [event], version)]

        self._handler.append(build)
        return digest

    def _whole(self, kept: Recorded[PhaseCheckpointed]) -> AttemptCheckpoint:
        event = kept.event
        return AttemptCheckpoint(
            name=event.name,
            text=self._handler.journal.get_artifact(event.digest),
            attempt=event.attempt,
            at=kept.recorded_at,
        )


def _position(kept: Recorded[PhaseCheckpointed]) -> int:
    return kept.position


def _check(name: str, text: str) -> None:
    if not isinstance(name, str) or not 0 < len(name) <= _NAME_MOST:
        raise InvalidInputError(
            f"{name!r} cannot name a checkpoint: give a text of up to {_NAME_MOST} characters.",
            name="name",
            value=name,
        )
    if not isinstance(text, str) or len(text) > CHECKPOINT_MOST:
        what = f"{len(text):,} characters" if isinstance(text, str) else type(text).__name__
        raise InvalidInputError(
            f"A checkpoint is a text of up to {CHECKPOINT_MOST:,} characters; this is {what}. "
            "Keep what is larger in a file, and its name here.",
            name="text",
            value=what,
        )
