"""Takes phases that failed or ran out of time, each once more."""

import attrs

from autopack.draining.strategies.triage import Triage
from autopack.ports.drain import Choice, Choose, DrainView, Retry, Stop, Wait


@attrs.frozen(kw_only=True)
class RetryFailed:
    """
    Puts failed phases back in the queue one by one, as recorded acts, and takes them.

    Phases that were queued and never tried are left to other strategies; one that was taken
    before and is queued again (its worker was killed, it backs off, somebody requeued it) is
    taken first. Which phase is next, and which runs are given up, follows ``rules``.
    """

    name = "retry-failed"
    takes_failed = True
    rules: Triage = attrs.Factory(Triage)

    def __call__(self, view: DrainView) -> Choice:
        """Choose what is queued again, else retry the most hopeful failed phase."""
        if why := self.rules.why_stop(view):
            return Stop(why)
        if found := self.rules.best(view, view.ready, tried_before=True):
            return Choose(found[0].ref, f"it was taken before; {found[1]}")
        if found := self.rules.best(view, view.failed, anew=True):
            return Retry(found[0].ref, found[1])
        if view.running or view.elsewhere or view.next_ready_at:
            return Wait("the rest waits for results", until=view.next_ready_at)
        n = len(view.failed)
        return Stop(
            f"{n} failed phases are left, of runs that were given up" if n
            else "no failed phase is left that this drain has not tried"
        )  # fmt: skip
