"""Templates: everything that they show is escaped, and what a reader would not see is shown."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from autopack.prediction.running.remaining_use import RemainingUse
from autopack.projections.call_use import Use
from autopack.report.account_text import window_words
from autopack.report.cells import cut_end
from autopack.report.escaping import visible
from autopack.report.evaluation import headline
from autopack.report.evaluation_page import evaluation_body
from autopack.report.failure_words import failure_words, kind_words, one_line
from autopack.report.quantities import count, moment, seconds, usd
from autopack.report.remaining_text import remaining_line
from autopack.report.spend_picture import cap_picture, share_picture, spend_picture
from autopack.report.timeline_picture import timeline_key, timeline_picture
from autopack.report.usage_text import cost_sentence
from autopack.report.wide_shapes import HATCH, key_list
from autopack.report.work_timeline import Stretch, Timeline
from autopack.types import PhaseStatus, RunView
from autopack.values.json_text import json_text
from autopack_web.cells import NONE, anchor, cell, cost, heads, number, shown, tokens
from autopack_web.columns import UsdColumn, any_of, usd_column
from autopack_web.moments import Moment

Points = Sequence[tuple[datetime, Any]]

_PAST: Final = timedelta(days=36_525)
_START_MOST: Final = 1_600
_BRIEF_MOST: Final = 60


def rendered(template: str, *, moment: Moment | None, **given: Any) -> str:
    """Return a template, filled; its links lead to where the page is in time."""
    at = moment.position if moment is not None and moment.is_past else None
    return _ENVIRONMENT.get_template(f"{template}.html").render(
        moment=moment, at=at, to=partial(link, at=at), **given
    )


def link(*parts: str, at: object = None, **query: object) -> str:
    """Return the address of a page: its path in parts, what is asked for, and as of when."""
    path = "/" + "/".join(quote(part, safe="") for part in parts)
    asked = {name: told for name, told in {**query, "at": at}.items() if told is not None}
    return f"{path}?{urlencode(asked)}" if asked else path


def share(part: Use, whole: Use) -> float:
    """Return which share of what some calls cost others did; of their tokens if no cost is told."""
    if whole.cost_pico_usd:
        return part.cost_pico_usd / whole.cost_pico_usd
    return part.total_tokens / whole.total_tokens if whole.total_tokens else 0.0


def phase_anchor(key: str, at: object = None) -> Markup:
    """Return a link to a phase, by ``RUN/PHASE``."""
    run, _, phase = key.partition("/")
    return anchor(key, link("phase", run, phase, at=at))


def state(name: str, n: int | None = None) -> Markup:
    """Return a state in its colour, and in words, with how many phases stand so."""
    told = name if n is None else f"{n:,} {name}"
    return Markup('<span class="state s-{}">{}</span>').format(name.lower(), told)


@pass_context
def when(context: Context, at: datetime | None, is_exact: bool = False) -> Any:
    """Return a moment by this machine's clock, the whole of it beside; exact with its seconds."""
    if at is None:
        return NONE
    of: Moment | None = context["moment"]
    now = of.now if of is not None else at
    # Of what was then, no day is today's.
    told = moment(at, now + _PAST if of is not None and of.is_past else now)
    told += at.astimezone().strftime(":%S") if is_exact else ""
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(at.isoformat(), told)


def lines(text: str) -> Markup:
    """Return a text of several lines as it is, its control characters shown."""
    return Markup(escape(visible(text)))


def start(text: str) -> str:
    """Return the beginning of a text, and how much more there is."""
    more = len(text) - _START_MOST
    return text if more <= 0 else f"{text[:_START_MOST]}\n… {count(more, 'more character')}"


def brief(text: str) -> str:
    """Return a text on one line, cut where it is longer than a table has room for."""
    return cut_end(one_line(text), _BRIEF_MOST)


def diff_lines(text: str) -> Markup:
    """Return a diff, a line each, those that were added or taken away marked."""
    kinds = {"+": "ins", "-": "del", "@": "at"}
    told = (
        Markup('<span class="{}">{}</span>\n').format(kinds.get(line[:1], ""), visible(line))
        for line in text.splitlines()
    )
    return Markup("").join(told)


def timeline(found: Timeline, at: object = None) -> Markup:
    """Return a timeline as a picture, its bars links, and what its colours mean."""

    def to_phase(one: Stretch) -> str:
        run, _, phase = one.phase.partition("/")
        return link("phase", run, phase, at=at)

    return Markup(timeline_picture(found, link=to_phase) + timeline_key(found))


def in_order(states: Mapping[str, int]) -> dict[str, int]:
    """Return how many phases stand how, in the order in which they come to stand so."""
    return {name: states[name] for name in (*PhaseStatus, *states) if name in states}


def states_bar(states: Mapping[str, int]) -> Markup:
    """Return how many phases stand how, in words."""
    told = (state(name, n) for name, n in in_order(states).items())
    return Markup(" ").join(told) if states else NONE


def spending(
    points: Sequence[tuple[datetime, Any]], caps: Sequence[tuple[datetime, Any]]
) -> Markup:
    """Return how the cost grew as a picture."""
    grown = [(at, float(sum_)) for at, sum_ in points]
    held = [(at, None if cap is None else float(cap)) for at, cap in caps]
    drawn = spend_picture(grown, held)
    entries = [("spent", "c0"), *([("cap", "c1")] if held else [])]
    return Markup(drawn + key_list(entries))


def cap_bar(one: Any) -> Markup:
    """Return how much of a cap is used, as a bar."""
    whole = float(one.cap) or 1.0
    used = float(one.used) / whole
    drawn = cap_picture(used, float(one.reserved) / whole, f"{_percent(used)} used")
    return _beside(drawn, _percent(used))


def unit_words(unit: str) -> str:
    """Return what a cap is of, as it is written."""
    return "USD" if unit == "usd" else unit


def figure(one: Any, value: Any) -> str | None:
    """Return a figure of a cap, with as many places as its others."""
    if one.unit == "usd":
        return UsdColumn((one.used, one.reserved, one.cap)).amount(value)
    return f"{float(value):,.4f}".rstrip("0").rstrip(".")


def bar(part: float, most: float = 1.0) -> Markup:
    """Return a share as a bar, and in words; *most* is the share that takes the whole width."""
    said = _percent(part)
    drawn = share_picture(part / most if most else 0.0, said, is_of_whole=most == 1)
    return _beside(drawn, said)


def _beside(drawn: str, said: str) -> Markup:
    return Markup('<span class="barred">{}<span>{}</span></span>').format(Markup(drawn), said)


def _percent(part: float) -> str:
    """Return a share in percent, a small one with its tenths."""
    if 0 < part < 0.0005:
        return "< 0.1 %"
    return f"{100 * part:.{0 if part in (0, 1) or part >= 0.1 else 1}f} %"


def ratio(actual: int | None, predicted: int | None) -> Any:
    """Return an output over its prediction, as a figure and a bar whose end is twice that."""
    if actual is None or not predicted:
        return NONE
    times = f"{actual / predicted:.2f}"
    ink = "c1" if actual > predicted else "c0"
    return _beside(share_picture(actual / predicted / 2, f"{times} times", ink), times)


def state_pairs(a: Mapping[str, int], b: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Return how many phases stand how on both sides."""
    names = in_order({**a, **b})
    return [(name.lower(), a.get(name, 0), b.get(name, 0)) for name in names]


def side_figure(value: Any, name: str) -> Any:
    """Return a figure of one side."""
    return NONE if value is None else usd(value) if name == "USD" else number(value)


def change(a: Any, b: Any, name: str) -> Any:
    """Return what a figure changed by."""
    if a is None or b is None:
        return NONE
    by = b - a
    if not by or (isinstance(by, float) and not round(by, 1)):
        return "="
    return f"{'+' if by > 0 else '−'}{side_figure(abs(by), name)}"


def both(a: Any, b: Any) -> Any:
    """Return what was and what is; once, where nothing changed."""
    return a if a == b else Markup("{} → {}").format(shown(a), shown(b))


def stream_anchor(stream: str, at: object = None) -> Any:
    """Return a stream's name, which leads to its run or its phase."""
    kind, _, name = stream.partition("-")
    if kind == "phase" and "/" in name:
        return phase_anchor(name, at)
    return anchor(name, link("run", name, at=at)) if kind == "run" else stream


def run_words(run: RunView) -> str:
    """Return how a run stands, in a word."""
    if not run.created:
        return "only named"
    return (run.outcome or run.status).lower().replace("_", " ")


def scope_anchor(scope: str, at: object = None) -> Any:
    """Return whose a cap is; a run's leads to it."""
    kind, _, name = scope.partition("-")
    return anchor(name, link("run", name, at=at)) if kind == "run" else scope


def day_anchor(day: str, at: object = None) -> Markup:
    """Return a link to what was used on a day."""
    after = date.fromisoformat(day) + timedelta(days=1)
    return anchor(day, link("usage", since=day, until=after.isoformat(), at=at))


def zone_words(at: datetime) -> str:
    """Return this machine's time zone: its name, and how far it is from UTC."""
    told = at.astimezone()
    name, apart = told.tzname() or "", f"{told:%z}"
    return "UTC" if name == "UTC" else f"{name} (UTC{apart[:3]}:{apart[3:5]})"


def to_come(remaining: Sequence[RemainingUse]) -> str:
    """Return what an attempt in work will still use, by measure."""
    known = {one.measure: one for one in remaining}
    told = known.get("total_tokens") or known.get("seconds")
    return "" if told is None else remaining_line(told)


def report_body(data: Mapping[str, Any]) -> Markup:
    """Return a calibration report, which has escaped what it shows."""
    return Markup(evaluation_body(data))


_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("autopack_web"),
    autoescape=True,
    finalize=shown,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(
    brief=brief,
    diff_lines=diff_lines,
    lines=lines,
    n=number,
    seconds=seconds,
    start=start,
    state=state,
    tojson_lines=json_text,
    usd=usd,
    when=when,
)
_ENVIRONMENT.globals.update(
    anchor=anchor,
    bar=bar,
    both=both,
    change=change,
    cap_bar=cap_bar,
    any_of=any_of,
    cell=cell,
    cost=cost,
    cost_sentence=cost_sentence,
    count=count,
    day_anchor=day_anchor,
    failure_words=failure_words,
    figure=figure,
    hatch=Markup(HATCH),
    headline=headline,
    heads=heads,
    in_order=in_order,
    limit_words=window_words,
    kind_words=kind_words,
    link=link,
    phase_anchor=phase_anchor,
    ratio=ratio,
    report_body=report_body,
    run_words=run_words,
    scope_anchor=scope_anchor,
    share=share,
    side_figure=side_figure,
    spending=spending,
    state_pairs=state_pairs,
    states_bar=states_bar,
    stream_anchor=stream_anchor,
    timeline=timeline,
    to_come=to_come,
    tokens=tokens,
    unit_words=unit_words,
    usd_column=usd_column,
    UsdColumn=UsdColumn,
    zone_words=zone_words,
)
