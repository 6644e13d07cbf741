"""What every executor promises: subclass the suite, say how to make one, and name its phases."""

import asyncio
import inspect
from typing import Any

import attrs
import pytest

from autopack.api.drains import attempt, drain
from autopack.api.runs import create_run
from autopack.api.views import get_phase, replay
from autopack.draining.settings.named_parts import name_of
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log
from autopack.ports.attempt import Attempt
from autopack.ports.prediction import PhaseSpec
from autopack.ports.states import PhaseStatus
from autopack.ports.work import Failed, Outcome, PhaseView
from autopack.testing.making import checked, not_written
from autopack.values.ids import PhaseId, PhaseRef, RunId

_REF = PhaseRef(RunId("run"), PhaseId("p"))


class ExecutorContract:
    """
    An executor ends a phase, says why when it fails, and records each call once.

    Subclass it with a name that pytest collects; give :meth:`make`, :meth:`phase` and, if it can
    fail, :meth:`failing`. No phase may take long, and none needs a network.
    """

    makes_calls: bool | None = True
    """Whether :meth:`phase` takes a call of a model; False for none, None where nobody knows."""

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
        """It returns an outcome, a text or None, at once or awaited."""
        for spec in self._phases():
            outcome, fault = called(self._made(), spec)
            is_answer = isinstance(outcome, Outcome | str | None)

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
        assert self.makes_calls is not False or not recorded, (
            "makes_calls is False, and it recorded a call"
        )
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

    def test_what_a_provider_has_is_collected_by_another(self) -> None:
        """Once it answered ``Pending``, one that is made anew collects it, at the first attempt."""
        log = self._left()
        drain(log, executor=self._made())
        row = get_phase(log, _REF)

        assert (PhaseStatus.COMPLETE, 1) == (row.status, row.attempts), why(row)

    def test_what_is_collected_twice_counts_once(self) -> None:
        """A drain may be killed between the answer and its record: each call has the same id."""
        once, twice = self._left(), self._left()
        drain(once, executor=self._made())
        drain(twice, executor=_Twice(self._made()))

        assert _n_calls(once) == _n_calls(twice)
        assert PhaseStatus.COMPLETE is get_phase(twice, _REF).status

    def _left(self) -> Log:
        """Return a log whose phase a provider has; skip where there is no such thing."""
        log, executor = new_log(self.phase()), self._made()
        drain(log, executor=executor, collect="once")
        row = get_phase(log, _REF)
        if row.last_executor is None or row.status is PhaseStatus.COMPLETE:
            pytest.skip("it answers at once")
        assert PhaseStatus.SUBMITTED is row.status, why(row)
        return log

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


class _Twice:
    """Asks an executor for what a provider has twice each time, as after a kill."""

    def __init__(self, executor: Any) -> None:
        self._executor, self.name = executor, name_of(executor)

    def execute(self, phase: PhaseView, attempt: Attempt) -> Any:
        """Do as the executor does."""
        return self._executor.execute(phase, attempt)

    async def collect(self, handle: str, attempt: Attempt) -> Any:
        """Ask twice, and return the second answer; each look begins to count its calls anew."""
        found: Any = None
        for _ in range(2):
            found = await asyncio.to_thread(self._executor.collect, handle, attempt)
            found = await found if inspect.isawaitable(found) else found
        return found


def _n_calls(log: Log) -> int:
    return sum(recorded.type == "llm.usage_recorded" for recorded in log.read_all())


async def _awaited(outcome: Any) -> Any:
    return await outcome
