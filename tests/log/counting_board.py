"""A projection that counts what it is shown."""

import attrs

from autopack.events import PhaseQueued


@attrs.frozen
class Queued:
    """A phase that was queued."""

    index: int


class CountingBoard:
    """Every queued phase; counts the events that it is shown."""

    name = "counting"
    version = 1
    types = (PhaseQueued,)
    row_type = Queued
    total_type = int

    def __init__(self):
        self.shown = 0

    def key(self, recorded):
        """Return the phase's id."""
        return recorded.event.phase_id

    def project(self, _row, recorded):
        """Return the phase."""
        self.shown += 1
        return Queued(recorded.event.index)

    def initial_total(self):
        """Return 0."""
        return 0

    def total(self, total, before, after):
        """Return how many phases there are."""
        return total + (after is not None) - (before is not None)
