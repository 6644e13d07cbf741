"""Executors that break one promise each; a phase without a goal is one that they fail at."""

import secrets
from typing import Any

from autopack.ports.attempt import Attempt
from autopack.ports.work import Completed, Failed, Outcome, Pending, PhaseView


def answers(phase: PhaseView, attempt: Attempt) -> Outcome:
    """Answer with the goal, as an executor should that breaks no promise."""
    if phase.goal is None:
        return Failed("no_goal", "the phase has no goal", retryable=False)
    attempt.record_usage(call_id=f"{phase.key}#{attempt.number}", model="m", output_tokens=5)
    return Completed({"answer": phase.goal})


def fails_without_a_reason(phase: PhaseView, attempt: Attempt) -> Outcome:
    """Raise an error that says nothing."""
    if phase.goal is None:
        raise RuntimeError
    return answers(phase, attempt)


def returns_a_number(phase: PhaseView, attempt: Attempt) -> Any:
    """Return something that is no outcome."""
    answers(phase, attempt)
    return 5


def never_completes(phase: PhaseView, attempt: Attempt) -> Outcome:
    """Fail, whatever is asked."""
    return Failed("busy", "not today", retryable=False)


def hides_its_failure(phase: PhaseView, attempt: Attempt) -> Outcome:
    """Call it done where nothing was done."""
    return Completed() if phase.goal is None else answers(phase, attempt)


def claims_to_have_measured(phase: PhaseView, attempt: Attempt) -> Outcome:
    """Record a call without its output, as if that had been measured."""
    attempt.record_usage(call_id=f"{phase.key}#{attempt.number}", model="m", input_tokens=5)
    return Completed()


class Once:
    """Does one phase, and no second one."""

    def __init__(self) -> None:
        self.is_used = False

    def execute(self, phase: PhaseView, attempt: Attempt) -> Outcome:
        """Answer the first time only."""
        if self.is_used:
            return Failed("used_up", "it did a phase before", retryable=False)
        self.is_used = True
        return answers(phase, attempt)


def records_nothing(phase: PhaseView, attempt: Attempt) -> Outcome:
    """Do the work, and tell nobody what it used."""
    if phase.goal is None:
        return answers(phase, attempt)
    return Completed({"answer": phase.goal})


class Overnight:
    """Leaves its work with a provider, and collects it."""

    name = "overnight"
    handle = "batch"

    def execute(self, phase: PhaseView, attempt: Attempt) -> Outcome:
        """Leave it."""
        return Pending(f"{self.handle} of {phase.key}", 0.1)

    def collect(self, handle: str, attempt: Attempt) -> Outcome:
        """Answer, and tell the call by the provider's id."""
        attempt.record_usage(call_id=handle, model="m", input_tokens=5, output_tokens=2)
        return Completed({"answer": handle})


class ForgetsItsHandles(Overnight):
    """Knows only what it left itself."""

    def __init__(self) -> None:
        self.left: set[str] = set()

    def execute(self, phase: PhaseView, attempt: Attempt) -> Outcome:
        """Leave it, and keep in memory that it did."""
        found = super().execute(phase, attempt)
        self.left.add(f"{self.handle} of {phase.key}")
        return found

    def collect(self, handle: str, attempt: Attempt) -> Outcome:
        """Answer what it knows."""
        if handle not in self.left:
            return Failed("unknown_handle", f"nothing was left as {handle}", retryable=False)
        return super().collect(handle, attempt)


class CountsEachLook(Overnight):
    """Tells a call under another id each time that it is asked."""

    def collect(self, handle: str, attempt: Attempt) -> Outcome:
        """Answer, and make up an id."""
        call_id = secrets.token_hex(16)
        attempt.record_usage(call_id=call_id, model="m", input_tokens=5, output_tokens=2)
        return Completed({"answer": handle})


def leaves_and_never_asks(phase: PhaseView, attempt: Attempt) -> Outcome:
    """Leave the work with a provider, and have no collect to ask by."""
    return Pending(f"batch of {phase.key}", 0.1)
