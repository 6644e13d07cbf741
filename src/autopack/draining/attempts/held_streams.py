"""A phase's stream, for what only the attempt that holds the phase may append to it."""

from autopack.aggregates.phase import holds
from autopack.errors import LeaseLostError
from autopack.log.command_handler import Handler, PhaseStream
from autopack.values.ids import PhaseRef


def held_stream(handler: Handler, ref: PhaseRef, lease_token: str) -> tuple[int, PhaseStream]:
    """
    Return a phase's version and what its stream says, as known.

    Raises:
        LeaseLostError: The phase is not this worker's any more.
    """
    version, stream = handler.known_phase(ref)
    state = stream.state
    if not holds(state, lease_token):
        raise LeaseLostError(ref, token=lease_token, state=state.status, holder=state.worker)
    return version, stream
