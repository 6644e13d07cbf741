"""Takes one named phase and stops."""

import attrs

from autopack.ports.drain import Choice, Choose, DrainView, Stop, Wait
from autopack.values.ids import PhaseRef, phase_ref


@attrs.frozen
class One:
    """Choose one phase, and only that one, however many others are ready."""

    ref: PhaseRef = attrs.field(converter=phase_ref)
    name = "one"

    def __call__(self, view: DrainView) -> Choice:
        """Choose the phase when it is ready; wait while it is held or backs off."""
        if any(phase.ref == self.ref for phase in view.ready):
            return Choose(self.ref, "the one phase that was asked for")
        if view.running or view.elsewhere or view.next_ready_at:
            return Wait("the phase is in work or backs off", until=view.next_ready_at)
        return Stop(f"phase {self.ref} is not ready")
