"""A strategy that is asked again: the one that a worker of a drain went by, or another one."""

import contextlib
from collections.abc import Sequence
from typing import Any, Final

import attrs

from autopack.draining.attempts.followed_ends import Followup
from autopack.draining.engine.resume import is_own_start
from autopack.draining.queue.admission import Admission
from autopack.draining.settings.named_parts import (
    named_strategy,
    options_in,
    strategy_of,
)
from autopack.draining.simulation.replayed_choices import StrategyAnswer
from autopack.draining.strategies.strategy_call import ask, followed
from autopack.errors import AutopackError, InvalidInputError, PluginError
from autopack.events import DrainStarted
from autopack.log.log import Log, registry_of
from autopack.plugins.plugin_options import made_with
from autopack.ports.drain import Choose, DrainView, PastAttempt, Retry, StrategyLike
from autopack.ports.log import Recorded
from autopack.ports.work import PhaseView

DEADLINE_S: Final = 60.0


class AskedStrategy:
    """A strategy to be asked, by name, and whether it is the one that a worker went by."""

    def __init__(self, name: str, strategy: Any, *, is_own: bool) -> None:
        self.name, self.strategy, self.is_own = name, strategy, is_own
        self._distracted = 0

    def answers(self, view: DrainView, own: DrainStarted, admission: Admission) -> StrategyAnswer:
        """Return what it answers to a view."""
        try:
            choice = ask(self.strategy, view, self.name, deadline_s=DEADLINE_S)
        except PluginError as fault:
            return StrategyAnswer(act="failed", reason=fault.what)
        if not isinstance(choice, Choose | Retry):
            return StrategyAnswer(act=type(choice).__name__.lower(), reason=choice.reason)
        row = admission.row(str(choice.ref))
        return StrategyAnswer(
            act=type(choice).__name__.lower(),
            phase=str(choice.ref),
            model=choice.model or (None if row is None else row.model),
            executor=choice.executor or own.executor,
            reason=choice.reason,
        )

    def distract(self, view: DrainView) -> None:
        """
        Ask it something else: what goes by its last answers is led astray by it.

        That is once and twice in turns, since what counts its answers may count by twos.
        """
        last = (view.ready[-1],) if len(view.ready) > 1 else ()
        other = attrs.evolve(view, ready=last)
        for _ in range(1 + self._distracted % 2):
            with contextlib.suppress(PluginError):
                ask(self.strategy, other, self.name, deadline_s=DEADLINE_S)
        self._distracted += 1

    def after_failure(self, phase: PhaseView, attempts: Sequence[PastAttempt]) -> StrategyAnswer:
        """Return what it says of a phase whose last attempt has just failed."""
        try:
            found = Followup(
                after=followed(self.strategy, phase, attempts, self.name, deadline_s=DEADLINE_S)
            )
        except PluginError as fault:
            found = Followup(fault=fault.what)
        return StrategyAnswer(act=found.act, phase=phase.key, reason=found.why)


def strategy_to_ask(
    log: Log, started: Recorded[DrainStarted], given: StrategyLike | None
) -> AskedStrategy:
    """
    Return the strategy to be asked: the worker's own, or the one that is given.

    Raises:
        InvalidInputError: The worker's own cannot be made again.
    """
    event, registry = started.event, registry_of(log)
    if given is None:
        return AskedStrategy(event.strategy, _own_again(log, started), is_own=True)
    name, strategy = named_strategy(registry, given)
    options = event.settings.get("strategy_options", {})
    is_own = name == event.strategy and options_in(given, strategy) == options
    return AskedStrategy(name, strategy, is_own=is_own)


def _own_again(log: Log, started: Recorded[DrainStarted]) -> Any:
    """Return the strategy that a worker went by, made as it was."""
    event, settings, registry = started.event, started.event.settings, registry_of(log)
    name, options = event.strategy, settings.get("strategy_options")
    is_object = "strategy" in settings.get("objects", ())
    if "strategy_options" in settings.get("redacted", ()):
        raise _cannot(event, "the redaction hook took something out of its options")
    if ".py:" in name and not is_own_start(log, started):
        raise _cannot(
            event, "it is a file of another machine's, and what came from there runs nothing"
        )
    if is_object and not options:
        raise _cannot(event, "it was an object that the log cannot bring back")
    try:
        if options:
            return made_with(registry.resolve("strategy", name), "strategy", name, options)
        return strategy_of(registry, name, settings.get("run_id"), settings.get("phase_id"))
    except AutopackError as fault:
        raise _cannot(event, str(fault)) from fault


def _cannot(started: DrainStarted, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"The strategy {started.strategy!r} of drain {started.drain_id} cannot be asked again: "
        f"{why.rstrip('.')}. Name the strategy to be asked:",
        do="strategy=...",
        typed="--strategy NAME or FILE.PY:NAME",
        name="strategy",
        value=started.strategy,
    )
