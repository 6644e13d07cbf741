"""Templates: everything that they show is escaped, and what a reader would not see is shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from autopack.prediction.running.remaining_use import RemainingUse
from autopack.projections.call_use import Use
from autopack.projections.use_groups import UsageRow
from autopack.report.account_text import window_words
from autopack.report.escaping import on_line, visible
from autopack.report.evaluation import headline
from autopack.report.evaluation_page import evaluation_body
from autopack.report.failure_words import failure_words, kind_words
from autopack.report.quantities import count, moment, seconds, usd
from autopack.report.remaining_text import remaining_line
from autopack.report.spend_picture import cap_picture, share_picture, spend_picture
from autopack.report.timeline_picture import timeline_key, timeline_picture
from autopack.report.usage_text import cost_sentence, cost_text
from autopack.report.wide_shapes import HATCH, key_list
from autopack.report.work_timeline import Stretch, Timeline
from autopack.values.json_text import json_text
from autopack_web.moments import Moment

Points = Sequence[tuple[datetime, Any]]

_NONE: Final = Markup('<span class="none">–</span>')
_PAST: Final = timedelta(days=2)
_START_MOST: Final = 1_600


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


def shown(value: Any) -> Any:
    """Return what a template shows of a value: nothing turns or hides what stands beside it."""
    if value is None:
        return _NONE
    return on_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def number(value: float | None) -> Any:
    """Return a figure with its thousands apart; one that nobody knows as a dash."""
    if value is None:
        return _NONE
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def tokens(use: Use) -> Any:
    """Return what is known of the tokens of some calls."""
    if not use.calls:
        return _NONE
    if use.calls == use.calls_without_total:
        return "unknown"
    return f"{'≥ ' if use.calls_without_total else ''}{use.total_tokens:,}"


def cost(use: Use) -> Any:
    """Return what is known of the cost of some calls, in USD."""
    return cost_text(UsageRow(use=use)) if use.calls else _NONE


def cell(title: str, value: Any, kind: str = "") -> Markup:
    """Return a cell of a table, which names itself where the table is too narrow for a head."""
    mark = f' class="{kind}"' if kind else ""
    return Markup('<td{} data-title="{}"><span>{}</span></td>').format(
        Markup(mark), title, shown(value)
    )


def heads(*titles: str) -> Markup:
    """Return the head of a table; a title that begins with ``#`` is of figures."""
    told = (
        Markup('<th scope="col"{}>{}</th>').format(
            Markup(' class="n"' if title.startswith("#") else ""), title.lstrip("#")
        )
        for title in titles
    )
    return Markup("<thead><tr>{}</tr></thead>").format(Markup("").join(told))


def anchor(text: object, href: str) -> Markup:
    """Return a link."""
    return Markup('<a href="{}">{}</a>').format(href, shown(text))


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
        return _NONE
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


def states_bar(states: Mapping[str, int]) -> Markup:
    """Return how many phases stand how, in words."""
    told = (state(name, n) for name, n in states.items())
    return Markup(" ").join(told) if states else _NONE


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
    whole = float(one.cap)
    share = float(one.used) / whole
    said = f"{100 * share:.0f} % used"
    return Markup(cap_picture(share, float(one.reserved) / whole, said))


def figure(unit: str, value: Any) -> str:
    """Return a figure of a cap."""
    return usd(value) if unit == "usd" else f"{float(value):,.4f}".rstrip("0").rstrip(".")


def bar(share: float, said: str) -> Markup:
    """Return a share as a bar."""
    return Markup(share_picture(share, said))


def ratio(actual: int | None, predicted: int | None) -> Any:
    """Return an output over its prediction, as a figure and a bar whose end is twice that."""
    if actual is None or not predicted:
        return _NONE
    share = actual / predicted
    return Markup("{} {}").format(f"{share:.2f}", bar(share / 2, f"{share:.2f} times"))


def state_pairs(a: Mapping[str, int], b: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Return how many phases stand how on both sides."""
    return [(name.lower(), a.get(name, 0), b.get(name, 0)) for name in dict.fromkeys((*a, *b))]


def side_figure(value: Any, name: str) -> Any:
    """Return a figure of one side."""
    return _NONE if value is None else usd(value) if name == "USD" else number(value)


def change(a: Any, b: Any, name: str) -> Any:
    """Return what a figure changed by."""
    if a is None or b is None:
        return _NONE
    by = b - a
    if not by:
        return "="
    return f"{'+' if by > 0 else '-'}{side_figure(abs(by), name)}"


def both(a: Any, b: Any) -> Any:
    """Return what was and what is; once, where nothing changed."""
    return a if a == b else Markup("{} → {}").format(shown(a), shown(b))


def stream_anchor(stream: str, at: object = None) -> Any:
    """Return a stream's name, which leads to its run or its phase."""
    kind, _, name = stream.partition("-")
    if kind == "phase" and "/" in name:
        return phase_anchor(name, at)
    return anchor(name, link("run", name, at=at)) if kind == "run" else stream


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
    cell=cell,
    cost=cost,
    cost_sentence=cost_sentence,
    count=count,
    failure_words=failure_words,
    figure=figure,
    hatch=Markup(HATCH),
    headline=headline,
    heads=heads,
    limit_words=window_words,
    kind_words=kind_words,
    link=link,
    phase_anchor=phase_anchor,
    ratio=ratio,
    report_body=report_body,
    side_figure=side_figure,
    spending=spending,
    state_pairs=state_pairs,
    states_bar=states_bar,
    stream_anchor=stream_anchor,
    timeline=timeline,
    to_come=to_come,
    tokens=tokens,
)
