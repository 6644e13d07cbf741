"""Cells of tables: what they show is escaped, and what a reader would not see is shown."""

from typing import Any, Final

from markupsafe import Markup

from autopack.projections.call_use import Use
from autopack.projections.use_groups import UsageRow
from autopack.report.escaping import on_line
from autopack.report.usage_text import cost_text

NONE: Final = Markup('<span class="none">–</span>')
"""What stands where nothing is known."""


def shown(value: Any) -> Any:
    """Return what a template shows of a value: nothing turns or hides what stands beside it."""
    if value is None:
        return NONE
    return on_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def number(value: float | None) -> Any:
    """Return a figure with its thousands apart; one that nobody knows as a dash."""
    if value is None:
        return NONE
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def tokens(use: Use) -> Any:
    """Return what is known of the tokens of some calls."""
    if not use.calls:
        return NONE
    if use.calls == use.calls_without_total:
        return "unknown"
    return f"{'≥ ' if use.calls_without_total else ''}{use.total_tokens:,}"


def cost(use: Use) -> Any:
    """Return what is known of the cost of some calls, in USD."""
    return cost_text(UsageRow(use=use)) if use.calls else NONE


def cell(title: str, value: Any, kind: str = "") -> Markup:
    """Return a cell of a table, which names itself where the table is too narrow for a head."""
    mark = f' class="{kind}"' if kind else ""
    return Markup('<td{} data-title="{}"><span>{}</span></td>').format(
        Markup(mark), title, shown(value)
    )


def heads(*titles: str | None) -> Markup:
    """
    Return the head of a table.

    Args:
        titles: One that begins with ``#`` is of figures; None is of a column that is left out.
    """
    told = (
        Markup('<th scope="col"{}>{}</th>').format(
            Markup(' class="n"' if title.startswith("#") else ""), title.lstrip("#")
        )
        for title in titles
        if title is not None
    )
    return Markup("<thead><tr>{}</tr></thead>").format(Markup("").join(told))


def anchor(text: object, href: str) -> Markup:
    """Return a link."""
    return Markup('<a href="{}">{}</a>').format(href, shown(text))
