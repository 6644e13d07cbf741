"""What calls used and cost: by day, model, run and so on, from the one account of use."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from autopack.api.prices import read_prices
from autopack.errors import InvalidInputError
from autopack.errors.nearest import did_you_mean
from autopack.events import PhaseClaimed, PhaseQueued
from autopack.log import views
from autopack.log.log import Log, journal_of, registry_of
from autopack.ports.log import to_us
from autopack.prediction.calibration.price_table import PriceTable
from autopack.prediction.calibration.repricing import Repricing, repriced
from autopack.projections.calls import USAGE, CallRow
from autopack.projections.use_groups import (
    KEYS,
    UsageKey,
    UsageRow,
    grouped,
    total_of,
)

NameOf = Callable[[CallRow], str | None]

_PLAIN: Final[Mapping[str, NameOf]] = {
    "model": lambda call: call.model,
    "run": lambda call: call.run_id,
    "phase": lambda call: None if call.phase_id is None else f"{call.run_id}/{call.phase_id}",
    "provider": lambda call: call.provider,
    "role": lambda call: call.role,
}


@attrs.frozen(kw_only=True)
class UsageTable:
    """
    What calls used, a row a group, and all of them together.

    Args:
        repricing: The same rows by a table of prices, if one was given.
    """

    by: tuple[str, ...]
    rows: tuple[UsageRow, ...]
    total: UsageRow
    repricing: Repricing | None = None


def usage(
    log: Log,
    *,
    by: UsageKey | Sequence[UsageKey] = ("model",),
    since: int | datetime | None = None,
    until: int | datetime | None = None,
    zone: str | tzinfo | None = None,
    prices: PriceTable | Path | str | None = None,
) -> UsageTable:
    """
    Return what calls used and cost, in groups.

    The sums are the account's own: figures that were amended, calls that came late and calls of
    attempts that were given up count as they do under caps. What a call did not tell is no 0.

    Args:
        by: What to tell calls apart by, e.g. ``("day", "model")``; none gives the total alone.
        since: Only calls that happened at this aware moment or later; or, a position, that were
            recorded after it.
        until: Only calls that happened by then; or, a position, what was known there.
        zone: Whose days, such as ``Europe/Berlin``; None is this machine's.
        prices: A table, its file or its registered name: what each call would have cost by it,
            at its moment, stands beside what was recorded, and nothing is written.

    Raises:
        InvalidInputError: No such group or zone, a position past the head, a moment without a zone;
            or the prices are wrong.
    """
    keys = _keys((by,) if isinstance(by, str) else tuple(by))
    days_of, plugins = _zone(zone), registry_of(log)
    if isinstance(until, int):
        log, until = log.as_of(until), None
    calls = _calls(log, since, until)
    namers = [_namer(log, key, days_of) for key in keys]

    def names(call: CallRow) -> tuple[str | None, ...]:
        return tuple(namer(call) for namer in namers)

    rows = grouped(calls, keys, names)
    shown = tuple(rows if keys else ())
    table = read_prices(prices, plugins=plugins) if isinstance(prices, str | Path) else prices
    anew = None if table is None else repriced(calls, table, [r.group for r in shown], names)
    return UsageTable(by=keys, rows=shown, total=total_of(rows), repricing=anew)


def _keys(by: tuple[str, ...]) -> tuple[str, ...]:
    for key in by:
        if key not in KEYS:
            raise InvalidInputError(
                f"Calls cannot be told apart by {key!r}.{did_you_mean(key, KEYS)} There is: "
                f"{', '.join(KEYS)}.",
                name="by",
                value=key,
            )
    return tuple(dict.fromkeys(by))


def _calls(log: Log, since: int | datetime | None, until: datetime | None) -> Iterable[CallRow]:
    journal = journal_of(log)
    rows = views.current(journal, USAGE).rows
    if isinstance(since, datetime):
        first_us = to_us(since)
        rows = {key: call for key, call in rows.items() if call.at_us >= first_us}
    elif since is not None:
        before = views.current(journal_of(log.as_of(since)), USAGE).rows
        rows = {key: call for key, call in rows.items() if key not in before}
    last_us = None if until is None else to_us(until)
    return [call for call in rows.values() if last_us is None or call.at_us <= last_us]


def _namer(log: Log, key: str, zone: tzinfo | None) -> NameOf:
    """Return what names a call's group."""
    if key == "day":
        day_of = _day_of(zone)
        return lambda call: day_of(call.quarter)
    if key == "category":
        categories = {
            (event.run_id, event.phase_id): event.category for event in _events(log, PhaseQueued)
        }
        return lambda call: categories.get((call.run_id, call.phase_id))
    if key == "account":
        accounts = {
            (event.run_id, event.phase_id, event.attempt): event.account
            for event in _events(log, PhaseClaimed)
        }
        of_attempt = accounts.get
        return lambda call: call.account or of_attempt((call.run_id, call.phase_id, call.attempt))
    return _PLAIN[key]


def _events(log: Log, kind: type[Any]) -> Iterable[Any]:
    return (recorded.event for recorded in log.read_all(types=(kind,)))


def _day_of(zone: tzinfo | None) -> Callable[[str], str]:
    @cache
    def day(quarter: str) -> str:
        return datetime.fromisoformat(quarter).astimezone(zone).date().isoformat()

    return day


def _zone(zone: str | tzinfo | None) -> tzinfo | None:
    if not isinstance(zone, str):
        return zone
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInputError(
            f"There is no time zone {zone!r}; give one such as Europe/Berlin, or UTC.",
            name="zone",
            value=zone,
        ) from None
