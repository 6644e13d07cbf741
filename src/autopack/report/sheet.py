"""A page of facts, tables and lines, for people: the same as plain text, Markdown or HTML."""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from textwrap import wrap

import attrs

from autopack.report.escaping import in_code, in_markdown, on_line
from autopack.report.page_style import STYLE
from autopack.report.plain_tables import markdown_table, table_lines


@attrs.frozen(kw_only=True)
class Facts:
    """Names and what they are."""

    pairs: Sequence[tuple[str, str]]


@attrs.frozen(kw_only=True)
class Table:
    """Rows of texts; *figures* names the columns that hold figures. The last may be long."""

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    figures: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class Listing:
    """A list; *is_code* are lines to be typed."""

    lines: Sequence[str]
    is_code: bool = False


Part = Facts | Table | Listing


@attrs.frozen(kw_only=True)
class Sheet:
    """
    A page.

    Args:
        title: Its heading; *name* says of what it is, beside it.
        lead: What matters most, in a sentence.
        sections: Headings, each with what stands below it.
    """

    title: str
    name: str
    lead: str
    sections: Sequence[tuple[str, Part]]


def sheet_text(sheet: Sheet, *, width: int = 80) -> str:
    """Return it as plain text, lines folded where they are longer than *width*."""
    lines = [f"{sheet.title}  ({sheet.name})", sheet.lead]
    for title, part in sheet.sections:
        lines += ["", title, *(f"  {line}" for line in _plain(part, width - 2))]
    return "\n".join(map(on_line, lines))


def sheet_markdown(sheet: Sheet) -> str:
    """Return it as Markdown."""
    lines = [f"# {in_markdown(sheet.title)}", "", in_markdown(sheet.lead), ""]
    lines += [in_markdown(sheet.name)]
    for title, part in sheet.sections:
        lines += ["", f"## {in_markdown(title)}", "", *_marked(part)]
    return "\n".join(lines)


def sheet_html(sheet: Sheet) -> str:
    """Return it as an HTML document in one file, without a script."""
    body = "\n".join(
        f"<section><h2>{_shown(title)}</h2>\n{_tagged(part)}</section>"
        for title, part in sheet.sections
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_shown(sheet.title)} - {_shown(sheet.name)}</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{_shown(sheet.title)}</h1>\n<p class="lead">{_shown(sheet.lead)}</p>\n'
        f'<p class="note">{_shown(sheet.name)}</p>\n{body}\n</main>\n</body>\n</html>\n'
    )


def _plain(part: Part, width: int) -> Iterator[str]:
    match part:
        case Facts(pairs=pairs):
            place = max(len(name) for name, _ in pairs) + 2
            for name, text in pairs:
                first, *rest = _folded(text, max(width - place, 20))
                yield f"{name:<{place}}{first}"
                yield from (" " * place + line for line in rest)
        case Table(titles=titles, rows=rows, figures=figures):
            yield from _table(titles, rows, figures, width)
        case Listing(lines=lines, is_code=is_code):
            for line in lines:
                yield from [line] if is_code else _folded(line, width)


def _table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], figures: Sequence[str], width: int
) -> Iterator[str]:
    """Yield a table; a last column of texts is folded, below its beginning, where it is long."""
    if titles[-1] in figures:
        yield from table_lines(titles, rows, figures=figures)
        return
    heads = table_lines(titles[:-1], [row[:-1] for row in rows], figures=figures)
    place = max(map(len, heads)) + 2
    for head, last in zip(heads, [titles[-1], *(row[-1] for row in rows)], strict=True):
        first, *more = _folded(last, max(width - place, 24))
        yield f"{head:<{place}}{first}".rstrip()
        yield from (" " * place + line for line in more)


def _folded(text: str, width: int) -> list[str]:
    return wrap(text, width, break_on_hyphens=False, break_long_words=False) or [""]


def _marked(part: Part) -> Iterator[str]:
    match part:
        case Facts(pairs=pairs):
            yield from (f"- {in_markdown(name)}: {in_markdown(text)}" for name, text in pairs)
        case Table(titles=titles, rows=rows, figures=figures):
            cells = [[in_markdown(cell) for cell in row] for row in rows]
            yield from markdown_table(titles, cells, figures=figures)
        case Listing(lines=lines, is_code=is_code):
            show = in_code if is_code else in_markdown
            yield from (f"- {show(line)}" for line in lines)


def _tagged(part: Part) -> str:
    match part:
        case Facts(pairs=pairs):
            told = (f"<dt>{_shown(name)}</dt><dd>{_shown(text)}</dd>" for name, text in pairs)
            return f"<dl>{''.join(told)}</dl>"
        case Table(titles=titles, rows=rows, figures=figures):
            return html_table(titles, rows, figures=figures, show=_shown)
        case Listing(lines=lines, is_code=is_code):
            tag = ("<li><code>", "</code></li>") if is_code else ("<li>", "</li>")
            items = "".join(f"{tag[0]}{_shown(line)}{tag[1]}" for line in lines)
            return f"<ul>{items}</ul>"


def html_table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    figures: Sequence[str],
    show: Callable[[str], str] = str,
) -> str:
    """Return a table of HTML whose rows become cards where it is narrow."""
    marks = ['<{} class="n"' if title in figures else "<{}" for title in titles]
    head = "".join(
        f"{mark.format('th')}>{escape(title)}</th>"
        for mark, title in zip(marks, titles, strict=True)
    )
    body = "".join(f"<tr>{''.join(_cells(titles, marks, map(show, row)))}</tr>" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody>\n</table>"


def _cells(titles: Sequence[str], marks: Sequence[str], cells: Iterator[str]) -> Iterator[str]:
    for title, mark, cell in zip(titles, marks, cells, strict=True):
        name = f' data-title="{escape(title)}"' if cell else ""
        yield f"{mark.format('td')}{name}>{f'<span>{cell}</span>' if cell else ''}</td>"


def _shown(text: str) -> str:
    return escape(on_line(text)).replace("≥ ", "≥&nbsp;")
