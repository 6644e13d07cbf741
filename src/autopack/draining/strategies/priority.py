"""Takes the most urgent phase first."""

from autopack.draining.strategies.ordered_phases import buckets
from autopack.ports.drain import Choice, Choose, DrainView, Wait
from autopack.ports.work import PhaseView


def priority(view: DrainView) -> Choice:
    """Choose the phase of the highest priority; equal ones by run and index."""
    if not view.ready:
        return Wait("nothing is ready", until=view.next_ready_at)
    found = buckets(view.ready, _all, _urgency)[None]
    first = found[0]
    return Choose(first.ref, f"priority {first.priority}, the highest of {len(found)} ready")


def _all(_phase: PhaseView) -> None:
    return None


def _urgency(phase: PhaseView) -> int:
    return -phase.priority
