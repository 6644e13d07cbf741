"""Given what happened, when this is asked, then that is decided: a test of a decision alone."""

from collections.abc import Iterable
from typing import Any, TypeVar, get_args

import attrs

from autopack.aggregates import cap, phase, run
from autopack.aggregates.commands import CapCommand, Command, RunCommand
from autopack.errors import AutopackError
from autopack.events import CapEvent, RunEvent

F = TypeVar("F", bound=AutopackError)


@attrs.frozen
class Given:
    """What happened so far: facts of any runs, phases and caps, in order."""

    facts: tuple[Any, ...]

    def when(self, command: Command) -> "When":
        """Ask for something; nothing is decided until it is said what is expected."""
        return When(self.facts, command)


@attrs.frozen
class When:
    """A command, and the facts on which it is decided."""

    facts: tuple[Any, ...]
    command: Command

    def decided(self) -> list[Any]:
        """Return the events that the command causes, or raise its refusal."""
        command = self.command
        if isinstance(command, RunCommand):
            of_run = self._of(RunEvent, run_id=command.run_id)
            return list(run.decide(command, run.fold(of_run)))
        if isinstance(command, CapCommand):
            of_cap = self._of(CapEvent, scope=command.scope)
            return list(cap.decide(command, cap.fold(of_cap)))
        ref = command.ref
        own = self._of(phase.PhaseStreamEvent, run_id=ref.run_id, phase_id=ref.phase_id)
        return list(phase.decide(command, phase.fold(own)))

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
        assert wanted == decided, f"{self.command} decides {decided}, not {wanted}"

    def then_refused(self, error: type[F]) -> F:
        """Assert that the command is refused with such an error, and return it."""
        try:
            decided = self.decided()
        except error as refusal:
            return refusal
        raise AssertionError(f"{self.command} is not refused: it decides {decided}")


def given(facts: Iterable[Any] = ()) -> Given:
    """
    Begin with what happened: ``given(facts).when(command).then(events)``.

    Each command is decided on the facts of its own run, phase or cap, as the library does it;
    no log is needed.
    """
    return Given(tuple(facts))
