"""Takes phases in the order of their runs and indices."""

from autopack.ports.drain import Choice, Choose, DrainView, Wait


def fifo(view: DrainView) -> Choice:
    """Choose the first phase that is ready."""
    if view.ready:
        first = view.ready[0]
        return Choose(first.ref, f"first of {len(view.ready)} ready, by run and index")
    return Wait("nothing is ready", until=view.next_ready_at)
