"""Facts of how far attempts came, each on its phase's own stream."""

from autopack.events.schema import Attempt, Digest, Key, ReasonText, event


@event("phase.checkpointed")
class PhaseCheckpointed:
    """An attempt kept how far it came, as a text beside the log, for whoever goes on."""

    run_id: Key
    phase_id: Key
    attempt: Attempt
    lease_token: Key
    name: Key
    digest: Digest


@event("phase.checkpoints_dropped")
class PhaseCheckpointsDropped:
    """The next attempt begins from the start: nothing that was kept before counts any more."""

    run_id: Key
    phase_id: Key
    by: str
    why: ReasonText


CheckpointEvent = PhaseCheckpointed | PhaseCheckpointsDropped
