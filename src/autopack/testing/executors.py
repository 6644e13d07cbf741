"""What every executor promises: subclass the suite, say how to make one, and name its phases."""

import asyncio
import inspect
from typing import Any

import attrs
import pytest

from autopack.api.drains import attempt, drain
from autopack.api.runs import create_run
from autopack.api.views import get_phase, replay
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log
from autopack.ports.prediction import PhaseSpec
from autopack.ports.states import PhaseStatus
from autopack.ports.work import Completed, Failed, NeedsPerson, PhaseView
from autopack.testing.making import checked, not_written
from autopack.values.ids import PhaseId, PhaseRef, RunId

_REF = PhaseRef(RunId("run"), PhaseId("p"))


class ExecutorContract:
    """
    An executor ends a phase, says why when it fails, and records each call once.

    Subclass it with a name that pytest collects; give :meth:`make`, :meth:`phase` and, if it can
    fail, :meth:`failing`. No phase may take long, and none needs a network.
    """

    makes_calls: bool = True
    """Whether :meth:`phase` takes a call of a model; of an executor that makes none, say False."""

    def make(self) -> Any:
        """Return the executor: an object with ``execute``, or a callable."""
        raise not_written("make()", "return the executor to test")

    def phase(self) -> PhaseSpec:
        """Return a phase that it completes."""
        return PhaseSpec("p", category="docs", complexity="low", goal="Say hello")

    def failing(self) -> PhaseSpec | None:
        """Return a phase at which it fails; None if it has none that fails."""
        return None

    def _made(self) -> Any:
        given = self.make()
        return checked(given, "executor", ["execute" if hasattr(given, "execute") else "__call__"])

    def test_it_completes_its_phase(self) -> None:
        """In a drain, the phase is done at the first attempt."""
        row = drained(self._made(), self.phase())

        assert (PhaseStatus.COMPLETE, 1) == (row.status, row.attempts), why(row)

    def test_it_answers_with_an_outcome(self) -> None:
        """It returns Completed, Failed, NeedsPerson, a text or None, at once or awaited."""
        for spec in self._phases():
            outcome, fault = called(self._made(), spec)
            is_answer = isinstance(outcome, Completed | Failed | NeedsPerson | str | None)

            assert fault or is_answer, f"{outcome!r} is no outcome"

    def test_a_failure_has_a_reason(self) -> None:
        """Whatever it returns or raises says what went wrong, in words."""
        spec = self.failing()
        if spec is None:
            pytest.skip("it has no phase that fails")
        outcome, fault = called(self._made(), spec)
        said = str(fault) if fault else getattr(outcome, "message", "")

        assert fault or isinstance(outcome, Failed), f"{outcome!r} is no failure"
        assert said.strip(), f"{fault or outcome!r} says nothing"
        row = drained(self._made(), attrs.evolve(spec, max_attempts=1))
        assert PhaseStatus.FAILED is row.status
        assert (row.reason_code or "").strip()
        assert (row.reason or "").strip()

    def test_every_call_is_recorded_once(self) -> None:
        """Each recorded call is counted, and none of them under the id of another."""
        log = new_log(self.phase())
        drain(log, executor=self._made())
        recorded = [r for r in log.read_all() if r.type == "llm.usage_recorded"]
        rows = replay(log, "attempts").rows.values()

        assert recorded or not self.makes_calls, (
            "it recorded no call. If it makes none, say so in the suite: makes_calls = False"
        )
        assert self.makes_calls or not recorded, "makes_calls is False, and it recorded a call"
        assert len(recorded) == sum(len(row.calls) for row in rows)
        assert all(r.event.attempt == 1 for r in recorded)

    def test_usage_is_marked_as_what_it_is(self) -> None:
        """A measured split has its figures: an unknown one is not called measured."""
        log = new_log(self.phase())
        drain(log, executor=self._made())
        calls = [r.event for r in log.read_all() if r.type == "llm.usage_recorded"]
        if not calls:
            pytest.skip("it recorded no call, so nothing is known of its figures")
        measured = [call for call in calls if call.split == "measured"]

        assert all(call.output_tokens is not None for call in measured)

    def test_it_can_be_used_again(self) -> None:
        """One executor does phase after phase."""
        executor = self._made()
        for _ in range(2):
            row = drained(executor, self.phase())

            assert PhaseStatus.COMPLETE == row.status, why(row)

    def _phases(self) -> list[PhaseSpec]:
        failing = self.failing()
        return [self.phase()] if failing is None else [self.phase(), failing]


def new_log(spec: PhaseSpec) -> Log:
    """Return a log in memory with one phase."""
    log = Log(MemoryBackend())
    create_run(log, _REF.run_id, [attrs.evolve(spec, id=_REF.phase_id)])
    return log


def drained(executor: Any, spec: PhaseSpec) -> PhaseView:
    """Return a phase after a drain."""
    log = new_log(spec)
    drain(log, executor=executor)
    return get_phase(log, _REF)


def why(row: PhaseView) -> str:
    """Return how a phase ended, and for what reason."""
    return f"after {row.attempts} attempts it is {row.status}: {row.reason_code}: {row.reason}"


def called(executor: Any, spec: PhaseSpec) -> tuple[Any, Exception | None]:
    """Call an executor by itself; return its outcome, or the exception that it raised."""
    log = new_log(spec)
    execute = getattr(executor, "execute", executor)
    try:
        with attempt(log, _REF) as live:
            outcome = execute(get_phase(log, _REF), live)
            if inspect.isawaitable(outcome):
                outcome = asyncio.run(_awaited(outcome))
    except Exception as fault:
        return None, fault
    return outcome, None


async def _awaited(outcome: Any) -> Any:
    return await outcome
