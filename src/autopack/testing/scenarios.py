"""Given what happened, when this is asked, then that is decided: a test of a decision alone."""

from collections.abc import Iterable
from typing import Any, TypeVar, get_args

import attrs

from autopack.aggregates import cap, phase, run
from autopack.aggregates.requests import CapRequest, PhaseRequest, RunRequest, event_of
from autopack.errors import AutopackError
from autopack.events import CapEvent, RunEvent

F = TypeVar("F", bound=AutopackError)
Request = RunRequest | PhaseRequest | CapRequest


@attrs.frozen
class Given:
    """What happened so far: facts of any runs, phases and caps, in order."""

    facts: tuple[Any, ...]

    def when(self, request: Request) -> "When":
        """Ask for something; nothing is decided until it is said what is expected."""
        return When(self.facts, request)


@attrs.frozen
class When:
    """What is asked, and the facts on which it is decided."""

    facts: tuple[Any, ...]
    request: Request

    def decided(self) -> list[Any]:
        """Return the events that the request causes, or raise its refusal."""
        request = self.request
        if isinstance(request, RunRequest):
            of_run = self._of(RunEvent, run_id=request.run_id)
            return list(run.decide(request, run.fold(of_run)))
        if isinstance(request, CapRequest):
            of_cap = self._of(CapEvent, scope=request.scope)
            return list(cap.decide(request, cap.fold(of_cap)))
        asked = event_of(request)
        own = self._of(phase.PhaseStreamEvent, run_id=asked.run_id, phase_id=asked.phase_id)
        return list(phase.decide(request, phase.fold(own)))

    def _of(self, union: Any, **names: str) -> list[Any]:
        facts = [fact for fact in self.facts if isinstance(fact, get_args(union))]
        return [f for f in facts if all(getattr(f, n) == name for n, name in names.items())]

    def then(self, *expected: Any) -> None:
        """
        Assert that exactly these events are decided, in order; none for a repeat.

        Args:
            expected: Events, or one list of them.
        """
        wanted = list(expected)
        if len(wanted) == 1 and isinstance(wanted[0], list | tuple):
            wanted = list(wanted[0])
        decided = self.decided()
        assert wanted == decided, f"{self.request} decides {decided}, not {wanted}"

    def then_refused(self, error: type[F]) -> F:
        """Assert that the request is refused with such an error, and return it."""
        try:
            decided = self.decided()
        except error as refusal:
            return refusal
        raise AssertionError(f"{self.request} is not refused: it decides {decided}")


def given(facts: Iterable[Any] = ()) -> Given:
    """
    Begin with what happened: ``given(facts).when(request).then(events)``.

    Each request is decided on the facts of its own run, phase or cap, as the library does it;
    no log is needed.
    """
    return Given(tuple(facts))
