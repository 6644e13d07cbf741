"""Two runs beside each other, or a run at two moments: what differs, as text and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import attrs

from autopack.report.escaping import on_line
from autopack.report.failure_words import one_line
from autopack.report.plain_tables import table_lines
from autopack.report.quantities import count, usd
from autopack.values.money import Usd

MOST: Final = 20
"""How many phases of a kind are shown, unless all are asked for."""

_REASON_MOST: Final = 100
_UNKNOWN: Final = "unknown"


@attrs.frozen(kw_only=True)
class WorkSide:
    """
    What all attempts at a phase, or a run, came to; None is unknown.

    Args:
        state: How the phase stands, or the run.
        tokens: What is known of them; *calls_without_total* did not tell all.
        cost_usd: What is known of it; nobody knows the price of *calls_without_cost*.
        reason: Why it stands so, if it is not complete.
    """

    state: str
    attempts: int = 0
    calls: int = 0
    tokens: int | None = None
    calls_without_total: int = 0
    cost_usd: Usd | None = None
    calls_without_cost: int = 0
    seconds: float | None = None
    reason: str | None = None


@attrs.frozen(kw_only=True)
class RunSide:
    """One of the two: which run, as of when, how many of its phases stand how, and all its work."""

    run_id: str
    position: int
    at: datetime | None
    phases: int
    phases_by_state: Mapping[str, int]
    work: WorkSide


@attrs.frozen(kw_only=True)
class PhaseDifference:
    """A phase that both have, and that is not the same in both."""

    phase_id: str
    a: WorkSide
    b: WorkSide

    @property
    def differs(self) -> tuple[str, ...]:
        """In what, of state, reason, attempts, tokens, cost_usd and seconds."""
        return tuple(name for name in _COMPARED if getattr(self.a, name) != getattr(self.b, name))

    @property
    def is_of_time_only(self) -> bool:
        """Whether it took another time, and nothing else."""
        return self.differs == ("seconds",)


_STANDING: Final = frozenset({"state", "reason"})
_USED: Final = frozenset({"attempts", "tokens", "cost_usd"})
_WORKED: Final = _USED | {"seconds"}
_COMPARED: Final = ("state", "reason", "attempts", "tokens", "cost_usd", "seconds")


@attrs.frozen(kw_only=True)
class RunComparison:
    """
    Two runs, or a run at two moments.

    Args:
        changed: Phases that differ: those that ended otherwise first, then the largest difference
            of cost, then of tokens.
        same: How many differ in nothing.
        parted_at: Of a fork and its parent, or two forks of one run: the position of the log from
            which they are compared. Phases that had ended by then in both are in neither list.
    """

    a: RunSide
    b: RunSide
    changed: tuple[PhaseDifference, ...]
    same: int
    only_in_a: tuple[str, ...] = ()
    only_in_b: tuple[str, ...] = ()
    parted_at: int | None = None


def comparison_json(found: RunComparison) -> dict[str, Any]:
    """Return it as JSON-simple values."""
    whole: dict[str, Any] = attrs.asdict(found, value_serializer=_simple)
    for values, one in zip(whole["changed"], found.changed, strict=True):
        values["differs"] = list(one.differs)
    return whole


def comparison_lines(found: RunComparison, *, most: int | None = MOST) -> Iterator[str]:
    """Yield it for a terminal; *most* None shows all phases."""
    if found.parted_at is not None:
        yield f"From position {found.parted_at:,}, where they part:"
    yield from _totals(found)
    stand = [one for one in found.changed if _STANDING & {*one.differs}]
    used = [one for one in found.changed if (_USED if most else _WORKED) & {*one.differs}]
    if stand:
        yield from ("", "In another state, or for another reason:")
        yield from _standing(stand, most)
    if used:
        yield from ("", "With other figures:")
        yield from _uses(used, most)
    for side, names in ((found.a, found.only_in_a), (found.b, found.only_in_b)):
        if names:
            yield from ("", f"Only in {_label(side)}:")
            yield from _limited([f"  {on_line(name)}" for name in names], most)
    yield from _rest(found, most)


def _totals(found: RunComparison) -> list[str]:
    a, b = found.a, found.b
    titles = ("", _label(a), _label(b), "difference")
    rows = [
        ("phases", f"{a.phases:,}", f"{b.phases:,}", _change(a.phases, b.phases, share=False)),
        *_states(a.phases_by_state, b.phases_by_state),
        _row("attempts", a.work, b.work, "attempts"),
        _row("tokens", a.work, b.work, "tokens", "calls_without_total"),
        _row("USD", a.work, b.work, "cost_usd", "calls_without_cost"),
        _row("seconds", a.work, b.work, "seconds"),
    ]
    return table_lines(titles, rows, figures=titles[1:])


def _states(a: Mapping[str, int], b: Mapping[str, int]) -> Iterator[tuple[str, str, str, str]]:
    for state in dict.fromkeys((*a, *b)):
        was, now = a.get(state, 0), b.get(state, 0)
        yield f"  {state.lower()}", f"{was:,}", f"{now:,}", _change(was, now, share=False)


def _row(
    title: str, a: WorkSide, b: WorkSide, name: str, without: str | None = None
) -> tuple[str, ...]:
    was, now = getattr(a, name), getattr(b, name)
    lacks = without is not None and bool(getattr(a, without) or getattr(b, without))
    is_known = not lacks and was is not None and now is not None
    told = [_sum(a, was, without), _sum(b, now, without)]
    return title, *told, _change(was, now) if is_known else _UNKNOWN


def _sum(side: WorkSide, value: Any, without: str | None) -> str:
    lacks = value is not None and without is not None and getattr(side, without)
    return f"{'≥ ' if lacks else ''}{_figure(value)}"


def _change(was: Any, now: Any, *, share: bool = True) -> str:
    by = now - was
    if _figure(abs(by)) == _figure(type(by)(0)):
        return "="
    part = "" if not (was and share) else f"  {100 * float(by) / float(was):+.0f} %"
    return f"{'+' if by > 0 else '-'}{_figure(abs(by))}{part}"


def _figure(value: Any) -> str:
    if value is None:
        return _UNKNOWN
    if isinstance(value, Decimal):
        return usd(Decimal(value))
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def _standing(found: Sequence[PhaseDifference], most: int | None) -> list[str]:
    titles: tuple[str, ...] = ("  phase", "state", "why")
    rows: list[tuple[str, ...]] = [
        (f"  {on_line(one.phase_id)}", _both(one.a.state, one.b.state), _why(one))
        for one in found[:most]
    ]
    if not any(row[2] for row in rows):
        titles, rows = titles[:2], [row[:2] for row in rows]
    return [*table_lines(titles, rows, figures=()), *_more(len(found), most)]


def _why(one: PhaseDifference) -> str:
    was, now = _reason(one.a), _reason(one.b)
    if one.a.reason and one.b.reason:
        return _both(was, now)
    return f"was: {was}" if was else now


def _reason(side: WorkSide) -> str:
    text = on_line(one_line(side.reason or ""))
    return text if len(text) <= _REASON_MOST else f"{text[:_REASON_MOST]}..."


def _uses(found: Sequence[PhaseDifference], most: int | None) -> list[str]:
    titles = ("  phase", "attempts", "tokens", "USD", "seconds")
    rows = [
        [f"  {on_line(one.phase_id)}", *map(_both, _cells(one.a), _cells(one.b))]
        for one in found[:most]
    ]
    return [*table_lines(titles, rows, figures=titles[1:]), *_more(len(found), most)]


def _cells(side: WorkSide) -> list[str]:
    """Return what was used; a dash where nothing was begun."""
    return [
        f"{side.attempts:,}",
        _figure(side.tokens) if side.calls else "-",
        _figure(side.cost_usd) if side.calls else "-",
        _figure(side.seconds) if side.attempts else "-",
    ]


def _rest(found: RunComparison, most: int | None) -> Iterator[str]:
    timed = sum(one.is_of_time_only for one in found.changed) if most is not None else 0
    told = []
    if timed:
        told.append(f"{count(timed, 'phase')} took another time only")
    if found.same:
        told.append(f"{count(found.same, 'phase')} {'is' if found.same == 1 else 'are'} the same")
    if told:
        yield ""
        yield ", ".join(told)


def _limited(lines: Sequence[str], most: int | None) -> list[str]:
    return [*lines[:most], *_more(len(lines), most)]


def _more(n: int, most: int | None) -> list[str]:
    return [f"  +{n - most:,} more: --all" for most in [most] if most is not None and n > most]


def _both(was: str, now: str) -> str:
    return was if was == now else f"{was} → {now}"


def _label(side: RunSide) -> str:
    when = "" if side.at is None else f" at {side.position:,}"
    return f"{on_line(side.run_id)}{when}"


def _simple(_instance: Any, _field: Any, value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
