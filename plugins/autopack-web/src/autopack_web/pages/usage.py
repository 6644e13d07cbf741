"""What calls used and cost: by day, model, account, category and run, and over time below caps."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

import autopack
from autopack.events import CapDecided, CapSet
from autopack.ports.log import from_us
from autopack.projections.call_use import NO_USE
from autopack.projections.sums_by_drain_and_run import AccountTotal
from autopack.projections.use_groups import UsageKey, UsageRow, regrouped
from autopack.types import ScopedCaps, Usd
from autopack.values.money import pico
from autopack_web.moments import now_of, place_asked

if TYPE_CHECKING:
    from autopack import Log
    from autopack_web.moments import Asked

_KEYS: Final[tuple[UsageKey, ...]] = ("day", "model", "account", "category", "run", "phase", "role")
_ROWS_MOST: Final = 40
_SCOPES_MOST: Final = 20
_POINTS_MOST: Final = 400
_CALLS_MOST: Final = 20_000


@attrs.frozen(kw_only=True)
class UseBy:
    """What calls used by one thing that they are told apart by; *left_off* rows are not shown."""

    by: str
    rows: tuple[UsageRow, ...]
    left_off: int


@attrs.frozen(kw_only=True)
class Spending:
    """
    How the cost grew.

    Args:
        points: Moments, each with all that was spent by then, in USD.
        caps: From when on a cap of so many USD held, for the one scope that has some; None is none.
        scope: Which that is.
    """

    points: tuple[tuple[datetime, Usd], ...]
    caps: tuple[tuple[datetime, Usd | None], ...] = ()
    scope: str | None = None


@attrs.frozen(kw_only=True)
class UsagePage:
    """
    What calls used, told apart in several ways, and in all.

    Args:
        is_whole: Whether each call was looked at; else there are so many that only what the account
            sums by itself is told, until ``every=call`` asks for all.
    """

    is_whole: bool
    total: UsageRow
    tables: tuple[UseBy, ...]
    caps: tuple[ScopedCaps, ...]
    spending: Spending


def read(log: "Log", asked: "Asked") -> UsagePage:
    """Return it; with ``since`` and ``until`` of the calls between two moments."""
    now = now_of(log)
    since, until = place_asked(asked, "since", now), place_asked(asked, "until", now)
    account: AccountTotal = autopack.view(log, "attempts", with_rows=False).total
    is_whole = account.all.use.calls <= _CALLS_MOST or bool(since or until or asked.told("every"))
    if is_whole:
        found = autopack.usage(log, by=_KEYS, since=since, until=until)
        total, tables = found.total, [_table(found.rows, key) for key in _KEYS]
    else:
        total, tables = UsageRow(use=account.all.use), list(_sums(account))
    return UsagePage(
        is_whole=is_whole,
        total=total,
        tables=tuple(tables),
        caps=tuple(autopack.list_caps(log))[:_SCOPES_MOST],
        spending=_spending(log, account),
    )


def _sums(account: AccountTotal) -> Iterator[UseBy]:
    """Yield what the account sums by itself, in the order of the keys."""
    by_run = {name: work.use for name, work in account.by_run.items()}
    by_run[""] = account.all.use - sum(by_run.values(), NO_USE)  # of calls that are no run's
    sums = {"model": account.by_model, "account": account.by_account, "run": by_run}
    for key, groups in sums.items():
        rows = [UsageRow(group={key: name or None}, use=use) for name, use in groups.items()]
        yield _table([row for row in rows if row.use.calls], key)


def _table(rows: Sequence[UsageRow], key: str) -> UseBy:
    parts = regrouped(rows, (key,))
    if key == "day":
        parts = parts[::-1]
    return UseBy(by=key, rows=tuple(parts[:_ROWS_MOST]), left_off=max(len(parts) - _ROWS_MOST, 0))


def _spending(log: "Log", account: AccountTotal) -> Spending:
    scope, caps = _usd_caps(log)
    is_of_run = scope is not None and scope.startswith("run-")
    if is_of_run and account.all.use.calls > _CALLS_MOST:  # their sums know no run
        scope, caps, is_of_run = None, (), False
    run_id = scope.removeprefix("run-") if is_of_run and scope is not None else None
    costs = list(_costs(log, account, run_id))
    if not any(cost for _, cost in costs):
        return Spending(points=())
    first = costs[0][0]
    points = [(first, 0)]
    for at, cost in costs:
        points.append((max(at, points[-1][0]), points[-1][1] + cost))
    step = max(1, len(points) // _POINTS_MOST)
    some = [*points[:-1:step], points[-1]]
    return Spending(
        points=tuple((at, Usd.of_pico(cost)) for at, cost in some), caps=caps, scope=scope
    )


def _costs(log: "Log", account: AccountTotal, run_id: str | None) -> Iterator[tuple[datetime, int]]:
    """
    Yield what was spent when, in pico-dollars: call by call, or of many by quarters of hours.

    Args:
        run_id: Of this run alone, whose cap is drawn beside.
    """
    if account.all.use.calls > _CALLS_MOST:
        sums = account.by_quarter
        for quarter in sorted(sums):
            yield datetime.fromisoformat(quarter), sums[quarter].pico_usd
        return
    calls = autopack.view(log, "usage").rows.values()
    for call in sorted(calls, key=lambda one: one.at_us):
        if run_id in (None, call.run_id):
            yield from_us(call.at_us), pico(call.cost_usd)


def _usd_caps(log: "Log") -> tuple[str | None, tuple[tuple[datetime, Usd | None], ...]]:
    """Return the caps in USD over time, where one scope alone ever had some."""
    found: dict[str, list[tuple[datetime, Usd | None]]] = {}
    for recorded in log.read_all(types=(CapSet, CapDecided)):
        event: Any = recorded.event
        if isinstance(event, CapSet):
            found.setdefault(event.scope, []).append((recorded.occurred_at, event.max_usd))
        elif "usd" in event.raise_to:
            raised = Usd(str(event.raise_to["usd"]))
            found.setdefault(event.scope, []).append((recorded.occurred_at, raised))
    capped = {scope: told for scope, told in found.items() if any(cap for _, cap in told)}
    if len(capped) != 1:
        return None, ()
    ((scope, told),) = capped.items()
    return scope, tuple(told)
