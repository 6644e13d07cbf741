"""A drain's choices, asked again of a strategy: its own, or another one."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from autopack.draining.engine.past_drain import PastDrain
from autopack.draining.engine.resume import is_own_start
from autopack.draining.queue.admission import Admission
from autopack.draining.settings.named_parts import (
    calibrator_named,
    named_strategy,
    options_in,
    strategy_of,
)
from autopack.draining.simulation.other_path import OtherPath, other_path
from autopack.draining.simulation.replayed_choices import (
    DrainReplay,
    ReplayedChoice,
    StrategyAnswer,
)
from autopack.draining.strategies.strategy_call import ask
from autopack.errors import AutopackError, InvalidInputError, PluginError
from autopack.events import DrainPhaseSelected, DrainStarted, DrainStopped, PhaseClaimed
from autopack.log import views
from autopack.log.log import Log, journal_of, registry_of
from autopack.log.past_log import PastLog
from autopack.plugins.plugin_options import made_with
from autopack.ports.drain import Choose, DrainView, Retry, StrategyLike
from autopack.ports.importing import IMPORTED
from autopack.ports.log import Recorded
from autopack.prediction.replayed_budgets import ReplayedBudgets, replayed_budgets
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.phases import FAILED_STATES
from autopack.values.ids import drain_stream

_DEADLINE_S: Final = 60.0
_ENDED_BY_ITSELF: Final = frozenset({"empty", "strategy", "blocked"})
_KINDS: Final = (DrainStarted, DrainPhaseSelected, PhaseClaimed, DrainStopped)


@attrs.frozen(kw_only=True)
class _Selected:
    """A choice on record, with the claim beside it and its worker's start."""

    recorded: Recorded[DrainPhaseSelected]
    claim: PhaseClaimed
    started: Recorded[DrainStarted]

    @property
    def key(self) -> str:
        return f"{self.claim.run_id}/{self.claim.phase_id}"

    @property
    def why_not(self) -> str | None:
        """Why the strategy cannot be asked again."""
        if IMPORTED in self.recorded.meta or IMPORTED in self.started.meta:
            return "it was imported: the places that it names are another log's"
        if self.recorded.event.read_to is None or self.started.event.read_to is None:
            return "it is from before choices noted what they went by"
        return None


class _Asked:
    """A strategy to be asked, by name, and whether it is the one that a worker went by."""

    def __init__(self, name: str, strategy: Any, *, is_own: bool) -> None:
        self.name, self.strategy, self.is_own = name, strategy, is_own

    def answers(self, view: DrainView, own: DrainStarted, admission: Admission) -> StrategyAnswer:
        """Return what it answers to a view."""
        try:
            choice = ask(self.strategy, view, self.name, deadline_s=_DEADLINE_S)
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


def budgets_replayed(
    log: Log, drain_id: str, *, estimator: Any, calibrator: Any, tau: float | None
) -> ReplayedBudgets:
    """
    Return what a drain's attempts would have been given.

    Args:
        estimator, calibrator: By whom; None are the drain's own.
        tau: The share of outputs to hold; None is the drain's own.
    """
    registry, settings = registry_of(log), _first_start(log, drain_id).event.settings
    share = settings.get("tau", 0.9) if tau is None else tau
    chosen = registry.resolve("estimator", estimator or settings.get("estimator"))
    wanted = calibrator or settings.get("calibrator")
    made = calibrator_named(registry, wanted, chosen.name, share)
    rows = [row for row in _attempts_in_order(log) if row.drain == drain_id]
    past_at = PastLog(log, 0).move_to
    return replayed_budgets(rows, past_at=past_at, estimator=chosen, calibrator=made, tau=share)


def unasked(log: Log, drain_id: str) -> DrainReplay:
    """Return what a drain was, with no choice asked again."""
    name = _first_start(log, drain_id).event.strategy
    return DrainReplay(drain_id=drain_id, strategy=name, asked=name, is_own=True, choices=())


def replayed(log: Log, drain_id: str, strategy: StrategyLike | None = None) -> DrainReplay:
    """
    Return the choices of a drain, each asked again.

    Args:
        strategy: What is asked; the drain's own, if it is left out.

    Raises:
        InvalidInputError: The drain's own strategy cannot be made again.
    """
    first = _first_start(log, drain_id)
    selected, stopped = _on_record(log, drain_id)
    workers: dict[str, tuple[_Asked, PastDrain]] = {}
    choices: list[ReplayedChoice] = []
    path: OtherPath | None = None
    for at, one in enumerate(selected):
        event = one.recorded.event
        if (why := one.why_not) is not None:
            choices.append(_choice(one, act="choose", why_not=why))
            continue
        worker = one.started.event.worker
        if worker not in workers:
            asked = _to_ask(log, one.started, strategy)
            past = PastDrain(log, one.started, asked.strategy, asked.name)
            workers[worker] = asked, past
        asked, past = workers[worker]
        view = past.shown(event, with_ways=asked.is_own)
        found = _asked_again(asked, past, view, one)
        choices.append(found)
        if path is None and found.differs and not asked.is_own:
            most = None if stopped in _ENDED_BY_ITSELF else len(selected) - at
            path = _path(log, asked, past, view, one, most)
        past.took(event)
    known = [asked for asked, _past in workers.values()]
    asked = known[0] if known else _to_ask(log, first, strategy)
    return DrainReplay(
        drain_id=drain_id,
        strategy=first.event.strategy,
        asked=asked.name,
        is_own=asked.is_own,
        choices=tuple(choices),
        path=path,
    )


def _on_record(log: Log, drain_id: str) -> tuple[list[_Selected], str | None]:
    """Return a drain's choices in order, and why it ended last, if it did."""
    starts: dict[str, Recorded[DrainStarted]] = {}
    claims: dict[str, PhaseClaimed] = {}
    found: list[_Selected] = []
    stopped: str | None = None
    every: Iterator[Recorded[Any]] = log.read_all(types=_KINDS)
    for recorded in every:
        event = recorded.event
        if isinstance(event, PhaseClaimed):
            if event.drain == drain_id:
                claims[f"{event.run_id}/{event.phase_id}"] = event
        elif event.drain_id != drain_id:
            continue
        elif isinstance(event, DrainStarted):
            starts[event.worker] = recorded
        elif isinstance(event, DrainStopped):
            stopped = event.reason
        elif (claim := claims.get(f"{event.run_id}/{event.phase_id}")) is not None:
            started = starts.get(claim.worker)
            if started is not None:
                found.append(_Selected(recorded=recorded, claim=claim, started=started))
    return found, stopped


def _first_start(log: Log, drain_id: str) -> Recorded[DrainStarted]:
    for recorded in log.read(drain_stream(drain_id), types=[DrainStarted]):
        return recorded
    raise InvalidInputError(f"Drain {drain_id} has not begun yet.", name="drain_id", value=drain_id)


def _to_ask(log: Log, started: Recorded[DrainStarted], given: StrategyLike | None) -> _Asked:
    """Return the strategy to be asked: the worker's own, or the one that is given."""
    event, registry = started.event, registry_of(log)
    if given is None:
        return _Asked(event.strategy, _own_again(log, started), is_own=True)
    name, strategy = named_strategy(registry, given)
    options = event.settings.get("strategy_options", {})
    is_own = name == event.strategy and options_in(given, strategy) == options
    return _Asked(name, strategy, is_own=is_own)


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


def _choice(one: _Selected, *, act: str, **found: Any) -> ReplayedChoice:
    recorded, claim = one.recorded, one.claim
    return ReplayedChoice(
        position=recorded.position,
        at=recorded.event.looked_at or recorded.recorded_at,
        worker=claim.worker,
        recorded=StrategyAnswer(
            act=act,
            phase=one.key,
            model=claim.model,
            executor=claim.executor or one.started.event.executor,
            reason=recorded.event.reason,
        ),
        **found,
    )


def _asked_again(asked: _Asked, past: PastDrain, view: DrainView, one: _Selected) -> ReplayedChoice:
    """Ask twice: what answers this and then that to one view is no function of it."""
    started = one.started.event
    first, second = (asked.answers(view, started, past.admission) for _ in range(2))
    stood = past.admission.row(one.key)
    act = "retry" if stood is not None and stood.status in FAILED_STATES else "choose"
    return _choice(one, act=act, answer=first, second=None if second.what == first.what else second)


def _path(
    log: Log, asked: _Asked, past: PastDrain, view: DrainView, one: _Selected, most: int | None
) -> OtherPath:
    """Return where another strategy would have gone from a choice on."""
    after, drain_id = one.recorded.event.read_to or 0, one.started.event.drain_id
    attempts: dict[str, list[AttemptRow]] = {}
    ends: dict[str, AttemptRow] = {}
    for claimed in _attempts_in_order(log):
        ends[claimed.lease_token or ""] = claimed
        if claimed.position > after:
            attempts.setdefault(f"{claimed.run_id}/{claimed.phase_id}", []).append(claimed)
    taken = [row for rows in attempts.values() for row in rows if row.drain == drain_id]
    in_work = ((phase, ends.get(phase.lease_token or "")) for phase in view.in_work)
    under_way = [(phase, row) for phase, row in in_work if row is not None and row.ending]
    return other_path(
        view,
        asked.strategy,
        asked.name,
        attempts=attempts,
        taken=taken,
        under_way=under_way,
        later=past.admission.coming_after(),
        was_done=past.admission.is_done,
        standing=past.admission.standing,
        estimate=past.views.predict,
        most=most,
        deadline_s=_DEADLINE_S,
    )


def _attempts_in_order(log: Log) -> Sequence[AttemptRow]:
    rows = views.current(journal_of(log), ATTEMPTS).rows.values()
    claimed = (row for row in rows if row.lease_token is not None)
    return sorted(claimed, key=lambda row: (row.run_id or "", row.phase_id or "", row.attempt or 0))
