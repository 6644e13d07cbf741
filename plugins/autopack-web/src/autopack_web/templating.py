"""Templates: everything that they show is escaped, and what a reader would not see is shown."""

from typing import Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from autopack.report.escaping import on_line, visible
from autopack.report.quantities import count, seconds, usd


def rendered(template: str, **given: Any) -> str:
    """Return a template, filled."""
    return _ENVIRONMENT.get_template(f"{template}.html").render(**given)


def link(*parts: str, at: object = None, **query: object) -> str:
    """Return the address of a page: its path in parts, and as of when."""
    path = "/" + "/".join(quote(part, safe="") for part in parts)
    asked = {name: told for name, told in {**query, "at": at}.items() if told is not None}
    return f"{path}?{urlencode(asked)}" if asked else path


def _shown(value: Any) -> Any:
    """Return what a template shows of a value: nothing in it turns or hides what stands beside."""
    if value is None:
        return Markup('<span class="none">–</span>')
    return on_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _lines(text: str) -> Markup:
    """Return a text of several lines as it is, its control characters shown."""
    return Markup(escape(visible(text)))


_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("autopack_web"),
    autoescape=True,
    finalize=_shown,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(usd=usd, seconds=seconds, lines=_lines)
_ENVIRONMENT.globals.update(link=link, count=count)
