"""What became of runs, as a page to read in the morning: done, cost, failures, waits, next."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import attrs

from autopack.projections.use_groups import UsageRow
from autopack.report.failure_kinds import FailureKind
from autopack.report.failure_words import failure_words, kind_words, start_of
from autopack.report.quantities import count, moment, seconds, usd
from autopack.report.sheet import Facts, Listing, Sheet, Table
from autopack.report.usage_text import cost_sentence, cost_text, usage_json
from autopack.values.money import Usd

_MESSAGE_MOST: Final = 200
_RUNS_MOST: Final = 30
_CAPS_MOST: Final = 5
_SEEN_S: Final = 0.05
_UNITS: Final = {"usd": "USD", "tokens": "tokens", "attempts": "attempts", "minutes": "minutes"}
_DONE: Final = "COMPLETE"
_FAILED: Final = ("FAILED", "TIMED_OUT")
_WORDS: Final[Mapping[str, str]] = {
    "COMPLETE": "done",
    "FAILED": "failed",
    "TIMED_OUT": "out of time",
    "GATED": "asks you",
    "QUEUED": "queued",
    "CLAIMED": "begun",
    "RUNNING": "in work",
    "SUBMITTED": "submitted",
    "SKIPPED": "skipped",
    "CANCELLED": "cancelled",
}


@attrs.frozen(kw_only=True)
class CapLine:
    """A cap: whose, its unit, how high it is and what is used of it."""

    scope: str
    unit: str
    cap: float | Usd
    used: float | Usd


@attrs.frozen(kw_only=True)
class RunLine:
    """A run: how it stands, how many of its phases stand how, and what it used in the time told."""

    run_id: str
    status: str
    goal: str | None
    phases_by_state: Mapping[str, int]
    use: UsageRow

    @property
    def phases(self) -> int:
        """How many it has."""
        return sum(self.phases_by_state.values())


@attrs.frozen(kw_only=True)
class RunsReport:
    """
    What became of runs.

    Args:
        since: From when on; None is from their beginning.
        at: When this was asked, or as of when.
        began, ended: When the first attempt of that time was claimed, and the last one ended.
        silent: Attempts that ended and told of no call, though they may have made some.
        worked_s: How long attempts were at work, summed.
        models: What was used by model; *total* in all.
        waits: What waits for whom, or until when, in words.
        steps: Commands to type next.
    """

    target: str
    log_id: str
    position: int
    since: datetime | None
    at: datetime
    runs: tuple[RunLine, ...]
    began: datetime | None = None
    ended: datetime | None = None
    worked_s: float = 0.0
    silent: int = 0
    models: tuple[UsageRow, ...] = ()
    total: UsageRow = attrs.Factory(UsageRow)
    caps: tuple[CapLine, ...] = ()
    failures: tuple[FailureKind, ...] = ()
    waits: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    @property
    def phases_by_state(self) -> Mapping[str, int]:
        """How many phases of all the runs stand how."""
        found: dict[str, int] = {}
        for run in self.runs:
            for state, n in run.phases_by_state.items():
                found[state] = found.get(state, 0) + n
        return found


def report_json(found: RunsReport) -> dict[str, Any]:
    """Return it as JSON-simple values."""
    whole: dict[str, Any] = attrs.asdict(found, recurse=False)
    whole |= {
        "runs": [_with_use(run) for run in found.runs],
        "failures": [_with_use(kind) for kind in found.failures],
        "caps": [attrs.asdict(cap) for cap in found.caps],
        "phases_by_state": dict(found.phases_by_state),
        "models": usage_json(("model",), found.models, found.total)["rows"],
        "total": usage_json((), (), found.total)["total"],
    }
    return whole


def report_sheet(found: RunsReport) -> Sheet:
    """Return it as a page."""
    states = found.phases_by_state
    n, done = sum(states.values()), states.get(_DONE, 0)
    title = _title(found)
    sections = [section for section in _sections(found) if section is not None]
    name = f"{found.target}, position {found.position:,}, {_clock(found.at)}"
    if not n:
        return Sheet(title=title, name=name, lead="No phase was worked on.", sections=sections)
    return Sheet(
        title=f"{title}: {done:,} of {n:,} done", name=name, lead=_lead(found), sections=sections
    )


def _title(found: RunsReport) -> str:
    if found.since is not None:
        return f"Since {moment(found.since, found.at)}"
    names = [run.run_id for run in found.runs]
    return names[0] if len(names) == 1 else count(len(names), "run")


def _lead(found: RunsReport) -> str:
    states = found.phases_by_state
    others = [f"{n:,} {_WORDS[state]}" for state, n in states.items() if state != _DONE]
    parts = [", ".join(others) or "all is done", _cost(found.total)]
    if found.worked_s > _SEEN_S:
        parts.append(f"{seconds(found.worked_s)} of work")
    return f"{'; '.join(parts)}."


def _cost(total: UsageRow) -> str:
    if not total.use.calls:
        return "no call"
    cost = cost_text(total)
    return "cost unknown" if total.cost_usd is None else f"{cost} USD"


def _sections(found: RunsReport) -> Iterator[Any]:
    yield _runs(found) if len(found.runs) > 1 else None
    yield "What it cost", Facts(pairs=list(_facts(found)))
    yield _models(found) if len(found.models) > 1 else None
    if found.failures:
        yield "What failed", _failures(found.failures)
    if found.waits:
        yield "What waits", Listing(lines=found.waits)
    if found.steps:
        yield "What to type next", Listing(lines=found.steps, is_code=True)


def _facts(found: RunsReport) -> Iterator[tuple[str, str]]:
    use, cost = found.total.use, cost_sentence(found.total)
    if found.silent:
        cost += f"{'; ' if cost else ''}{count(found.silent, 'attempt')} told of no call"
    said = f"{_cost(found.total)}{f' ({cost})' if cost else ''}"
    yield "cost", said.removeprefix("cost ")
    for cap in sorted(found.caps, key=_used_share, reverse=True)[:_CAPS_MOST]:
        of = f"{_amount(cap.used, cap.unit)} of {_amount(cap.cap, cap.unit)} {_UNITS[cap.unit]}"
        whose = f", {cap.scope}" if len(found.runs) > 1 else ""
        yield "cap", f"{of} ({100 * _used_share(cap):.0f} %){whose}"
    share_of = found.total.cached_share
    cached = "" if share_of is None else f", {100 * share_of:.0f} % of the input from a cache"
    least = "≥ " if use.calls_without_total else ""
    yield "tokens", f"{least}{use.total_tokens:,} in {count(use.calls, 'call')}{cached}"
    if found.began is not None:
        ended = "" if found.ended is None else f" to {moment(found.ended, found.at)}"
        yield "time", f"{moment(found.began, found.at)}{ended}, {seconds(found.worked_s)} of work"


def _used_share(cap: CapLine) -> float:
    return float(cap.used) / float(cap.cap) if cap.cap else 1.0


def _amount(value: float | Decimal, unit: str) -> str:
    return usd(value) if unit == "usd" else f"{float(value):,.1f}".removesuffix(".0")


def _runs(found: RunsReport) -> tuple[str, Table]:
    titles = ("run", "stands", "done", "failed", "other", "tokens", "USD")
    rows = [
        (
            run.run_id,
            run.status.lower(),
            f"{run.phases_by_state.get(_DONE, 0):,} of {run.phases:,}",
            f"{(failed := sum(run.phases_by_state.get(state, 0) for state in _FAILED)):,}",
            f"{run.phases - failed - run.phases_by_state.get(_DONE, 0):,}",
            f"{run.use.use.total_tokens:,}" if run.use.use.calls else "-",
            cost_text(run.use) if run.use.use.calls else "-",
        )
        for run in found.runs[-_RUNS_MOST:]
    ]
    n = len(found.runs)
    title = "Runs" if n <= _RUNS_MOST else f"The last {_RUNS_MOST} of {n:,} runs"
    return title, Table(titles=titles, rows=rows, figures=titles[2:])


def _models(found: RunsReport) -> tuple[str, Table]:
    titles = ("model", "calls", "tokens", "USD")
    rows = [
        (
            row.group["model"] or "(none)",
            f"{row.use.calls:,}",
            f"{row.use.total_tokens:,}",
            cost_text(row),
        )
        for row in found.models
    ]
    return "By model", Table(titles=titles, rows=rows, figures=titles[1:])


def _failures(kinds: Sequence[FailureKind]) -> Table:
    titles = ("attempts", "phases", "USD", "class", "such as", "message")
    rows = [
        (
            f"{kind.attempts:,}",
            f"{kind.phases:,}",
            cost_text(kind.use) if kind.use.use.calls else "-",
            kind.failure_class or "-",
            kind.phase,
            _message(kind),
        )
        for kind in kinds
    ]
    return Table(titles=titles, rows=rows, figures=titles[:3])


def _message(kind: FailureKind) -> str:
    text = failure_words(None, kind.message) if kind.message else kind_words(kind.alike)
    return text if len(text) <= _MESSAGE_MOST else f"{start_of(text, _MESSAGE_MOST)}..."


def _clock(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _with_use(one: RunLine | FailureKind) -> dict[str, Any]:
    fields = attrs.asdict(one, recurse=False)
    used = usage_json((), (), fields.pop("use"))["total"]
    used.pop("group")
    return {**fields, **used}
