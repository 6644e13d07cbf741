"""As many workers as a log's queue can use, by a launcher, and why not more."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Unpack

import attrs

from autopack.api.drain_summaries import drain_of
from autopack.draining.attempts.claims import new_worker
from autopack.draining.attempts.lease_keys import scaling_key
from autopack.draining.attempts.leases import LEASE_S, Leases
from autopack.draining.engine.useful_work import useful_work
from autopack.draining.queue.wanted_workers import WantedWorkers, wanted_workers
from autopack.draining.settings.named_launchers import launcher_of
from autopack.draining.settings.parameters import DrainSettings
from autopack.draining.settings.settings import Settings, settings_of
from autopack.errors import AutopackError, InvalidInputError, PluginError
from autopack.log.log import Log, handler_of, journal_of, registry_of
from autopack.ports.drain import StrategyLike
from autopack.ports.figures import WORKERS_MOST
from autopack.ports.launchers import Launched, Launcher, LauncherLike, WorkerOrder
from autopack.ports.work import ExecutorLike
from autopack.report.quantities import count

_LOOK_S: Final = 0.1
_WAIT_S: Final = 60.0
_COUNTED: Final = ("max_tokens", "max_usd", "max_phases", "max_samples")
_END: Final = "--"


@attrs.frozen(kw_only=True)
class Scaled:
    """
    What was done about a log's workers, and why there are not more.

    Args:
        launcher: By which.
        most: How many there may be.
        there: How many there are now, those among them that their engine has not started yet.
        started: The ids of those that were started just now.
        stopped: Of those that were taken back, or asked to end.
        why_not: Why there are not more, in words.
    """

    launcher: str
    most: int
    there: int
    started: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    why_not: tuple[str, ...] = ()

    @property
    def done(self) -> str:
        """What was done, in words."""
        parts = [f"started {count(len(self.started), 'worker')}"] if self.started else []
        parts += [f"stopped {count(len(self.stopped), 'worker')}"] if self.stopped else []
        return f"{self.launcher}: {', '.join(parts) or 'nothing to do'}"

    @property
    def stands(self) -> str:
        """How many workers there are, of how many, and why not more."""
        told = f"{self.there} of {self.most}"
        return f"{told}: {'; '.join(self.why_not)}" if self.why_not else told


def scale(
    log: Log,
    *,
    launcher: LauncherLike,
    most: int,
    command: Sequence[str],
    executor: ExecutorLike,
    strategy: StrategyLike | None = None,
    **settings: Unpack[DrainSettings],
) -> Scaled:
    """
    Start as many workers as the queue, its lanes and caps can use; take back what waits for none.

    Nothing is kept: the launcher is asked what runs, and the log what could be done. So it may be
    called again and again, and by several at once: one at a time has the right to, by a lease in
    the log. What runs ends by itself, when it is idle.

    Args:
        launcher: A registered name, that with options, a launcher, or a class of one.
        most: How many workers there may be; with 0 all are asked to end.
        command: The program of one worker, with its arguments. ``--drain`` and ``--offers`` are
            added, before ``--`` if that is among them. Workers that are told to offer nothing are
            started with what phases require.
        executor, strategy, settings: As the command has them: by these it is known what workers
            could take, and how many phases one is at. Without ``drain`` they join the drain
            ``LAUNCHER-workers``.

    Raises:
        InvalidInputError: A setting cannot be used; or a cap of theirs has no ``drain``.
        AutopackError: Whatever else keeps a drain from beginning, or an engine that refuses.
    """
    if isinstance(most, bool) or not isinstance(most, int) or not 0 <= most <= WORKERS_MOST:
        raise InvalidInputError(
            f"most is {most!r}; give a whole number from 0 to {WORKERS_MOST:,}.",
            name="most",
            value=most,
        )
    found = launcher_of(registry_of(log), launcher)
    _check_counted(settings)
    drain = settings.get("drain") or f"{found.name}-workers"
    given: dict[str, Any] = {**settings, "drain": drain, "allow_empty": True}
    asked = settings_of(registry_of(log), executor=executor, strategy=strategy, **given)
    orders = _orders(log, command, asked)
    while True:
        with _alone(log, found.name) as is_alone:
            scaled = _scaled(log, found, asked, most, orders, is_alone)
        if scaled is not None:
            return scaled


def _check_counted(settings: Mapping[str, Any]) -> None:
    counted = [name for name in _COUNTED if settings.get(name) is not None]
    if counted and not settings.get("drain"):
        raise InvalidInputError(
            f"{counted[0]} counts what one drain uses, and no drain is named: name the one that "
            "all of these workers join, also those that are started later.",
            name="drain",
            value=None,
            typed="Name it with: --drain NAME",
        )


class _Orders:
    """Makes the order for workers that offer so much."""

    def __init__(self, log_id: str, command: Sequence[str], settings: Settings) -> None:
        self._log_id = log_id
        place = list(command).index(_END) if _END in command else len(command)
        self._begins, self._ends = tuple(command[:place]), tuple(command[place:])
        self._drain, self._has_offers = settings.drain or "", bool(settings.offers)

    def of(self, offers: Mapping[str, Any]) -> WorkerOrder:
        """Return it; what the command offers by itself is not said twice."""
        order = WorkerOrder(log_id=self._log_id, drain=self._drain, command=(), offers=offers)
        told = [] if self._has_offers else order.offered
        added = [part for name, there in told for part in ("--offers", f"{name}={there}")]
        command = (*self._begins, "--drain", self._drain, *added, *self._ends)
        return attrs.evolve(order, command=command)


def _orders(log: Log, command: Sequence[str], settings: Settings) -> _Orders:
    return _Orders(journal_of(log).log_id, command, settings)


@contextmanager
def _alone(log: Log, launcher: str) -> Iterator[Callable[[], bool]]:
    """
    Hold the right to start and stop workers of a launcher; wait for whoever has it.

    Yields:
        What tells whether nobody has taken it since, as when this process stood still for long.
    """
    key, ends_s = scaling_key(launcher), time.monotonic() + _WAIT_S
    with Leases(handler_of(log), worker=new_worker(), lease_s=LEASE_S, machine=None) as leases:
        while (token := leases.hold(key)) is None:
            if time.monotonic() > ends_s:
                raise InvalidInputError(
                    f"Somebody else is starting workers by {launcher} for longer than "
                    f"{_WAIT_S:g} s: {leases.holder(key)}. Nothing was done.",
                    name="launcher",
                    value=launcher,
                )
            time.sleep(_LOOK_S)
        try:
            yield lambda: leases.has(key, token)
        finally:
            leases.let_go(key, token)


def _scaled(
    log: Log,
    launcher: Launcher,
    settings: Settings,
    most: int,
    orders: _Orders,
    is_alone: Callable[[], bool],
) -> Scaled | None:
    """
    Look once, start and stop; None if somebody else did meanwhile, so that it is to be done anew.

    Engines know no fencing: whoever finds that others went on while it stood still between its look
    and its start takes back what it has just started.
    """
    named = launcher.running(journal_of(log).log_id)
    there = [one for one in named if one.name.startswith(orders.of({}).group)]
    known = drain_of(log, settings.drain or "")
    paused = None if known is None else known.paused
    found = useful_work(log, settings, most * settings.workers, paused=paused)
    wanted = wanted_workers(
        found.requirements,
        there,
        name_of=lambda offers: orders.of(offers).name,
        offers=settings.offers or None,
        slots=settings.workers,
        most=most,
    )
    if not is_alone():
        return None
    if wanted.stop:
        launcher.stop(wanted.stop)
    started, refusals = _started(launcher, orders, wanted)
    if started and not is_alone():
        launcher.stop(started)
        return None
    whys = (*refusals, *found.why_not)
    return Scaled(
        launcher=launcher.name,
        most=most,
        there=wanted.kept + len(started),
        started=tuple(started),
        stopped=wanted.stop,
        why_not=tuple(_why_not(wanted, found.more, most, whys, launcher.name, there)),
    )


def _started(
    launcher: Launcher, orders: _Orders, wanted: WantedWorkers
) -> tuple[list[str], list[str]]:
    """Start what is wanting; where an engine starts some, return why not the others."""
    started, refusals = list[str](), list[AutopackError]()
    whys = []
    for offers, n in wanted.start:
        order = orders.of(offers)
        told = ", ".join(f"{name} {there}" for name, there in order.offered)
        kind = f" with {told}" if told else ""
        try:
            ids = launcher.start(order, n)
        except AutopackError as refusal:
            refusals.append(refusal)
            whys.append(f"{launcher.name} starts nobody{kind}: {refusal}")
        else:
            started += ids
            if len(ids) < n:
                whys.append(f"{launcher.name} started {len(ids)} of {n}{kind}, and no more for now")
    if refusals and not (started or wanted.kept):
        raise refusals[0] if len(refusals) == 1 else PluginError(launcher.name, "; ".join(whys))
    return started, whys


def _why_not(
    wanted: WantedWorkers,
    more: int,
    most: int,
    whys: Sequence[str],
    launcher: str,
    there: Sequence[Launched],
) -> Iterator[str]:
    if left := wanted.left + more:
        yield f"{count(left, 'more phase')} could be taken, and {most} workers are the most"
    yield from whys
    if not (left or whys) and wanted.total < most:
        yield "each phase that is ready has one" if wanted.total else "nothing is queued"
    waiting = [one for one in there if one.is_waiting and one.id not in wanted.stop]
    if waiting:
        reasons = dict.fromkeys(one.why for one in waiting if one.why)
        told = f" ({', '.join(reasons)})" if reasons else ""
        yield f"{launcher} has not begun {len(waiting)} of them yet{told}"
