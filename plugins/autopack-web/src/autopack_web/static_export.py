"""The pages of a log, or of a run, as one file: no server, no network, and no script."""

import asyncio
import re
from collections import deque
from collections.abc import Iterator, Mapping
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, unquote, urldefrag, urljoin, urlsplit

import attrs

import autopack
from autopack.report.quantities import count
from autopack.report.wide_shapes import HATCH
from autopack_web.app import STATIC, create_app

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Scope

    from autopack import Log

SIZE_MOST: Final = 10_000_000
"""Bytes; pages that no longer fit are left out, and their number is told."""

_FIRST: Final = ("/", "/runs", "/failures", "/usage", "/calibration", "/log")
_NAMES: Final = ("Overview", "Runs", "Failures", "Usage", "Calibration", "Log")
_FOLLOWED: Final = frozenset({"kind", "text", "from", "before"})
"""What a link may ask for: other filters and orders are for who has a server."""

_HREF: Final = re.compile(r'(\s(?:xlink:)?href=")([^"]*)"')
_OWN_ID: Final = re.compile(r'(\s(?:id|for|aria-labelledby|aria-describedby)=")([^"]*)"')
_TITLE: Final = re.compile("<title>(.*?)</title>", re.DOTALL)
_DROPPED: Final = frozenset({"form", "script"})
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_STYLE: Final = """
@supports selector(:has(a)) {
  .page { display: none; }
  .page:target, .page:has(:target) { display: block; }
  body:not(:has(.page:target, .page :target)) .page:first-of-type { display: block; }
}
a:not([href]) { color: inherit; }
@media print { .page { display: block !important; break-after: page; } }
"""


@attrs.frozen(kw_only=True)
class Exported:
    """
    What was written.

    Args:
        text: The file, as HTML.
        pages: How many pages are in it.
        left_out: How many that are linked to are not.
    """

    text: str
    pages: int
    left_out: int


def export(log: "Log", *, run_id: str | None = None, size_most: int = SIZE_MOST) -> Exported:
    """
    Return the pages of a log as one file, as they stand now.

    Args:
        run_id: Those of a run alone: the run, its phases, their texts.
        size_most: Bytes that the pages have together, at most; the first is there anyway.

    Raises:
        RunMissingError: There is no such run.
    """
    if run_id is None:
        return asyncio.run(_exported(create_app(log), _FIRST, ("/",), size_most))
    autopack.list_phases(log, run_id)
    name = quote(run_id, safe="")
    within = (f"/run/{name}", f"/phase/{name}/")
    return asyncio.run(_exported(create_app(log), within[:1], within, size_most))


async def _exported(
    app: "ASGIApp", first: tuple[str, ...], within: tuple[str, ...], size_most: int
) -> Exported:
    waiting, late = deque(first), deque[str]()
    known, size, left_out = set(first), 0, 0
    found: dict[str, str] = {}
    while waiting or late:
        path = (waiting or late).popleft()
        status, page = await _asked(app, path)
        part = _Part(path)
        part.feed(page)
        if found and size + len(part.text) > size_most:
            left_out = 1 + len(waiting) + len(late)
            break
        if status != 200:
            continue
        found[path], size = page, size + len(part.text)
        for link in part.links:
            if link not in known and link.startswith(within) and _is_followed(link):
                known.add(link)
                (late if link.startswith("/log") else waiting).append(link)
    return Exported(text=_file(found, left_out), pages=len(found), left_out=left_out)


def _is_followed(link: str) -> bool:
    return all(name in _FOLLOWED for name, _value in parse_qsl(urlsplit(link).query))


async def _asked(app: "ASGIApp", path: str) -> tuple[int, str]:
    """Return what the pages answer, without a server."""
    url, status, body = urlsplit(path), 0, b""
    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(url.path),
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1")],
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> "Message":
        return {"type": "http.disconnect"}

    async def send(message: "Message") -> None:
        nonlocal status, body
        status = message.get("status", status)
        body += message.get("body", b"")

    await app(scope, receive, send)
    return status, body.decode()


class _Part(HTMLParser):
    """
    The content of a page: what stands in its ``main``, without forms.

    Args:
        path: Where it stands, from which its links lead on.
        places: The pages of the file, by path, each with its number; links elsewhere lead nowhere.
    """

    def __init__(self, path: str, places: Mapping[str, int] | None = None) -> None:
        super().__init__(convert_charrefs=False)
        self._path, self._places = path, places
        self._pieces: list[str] = []
        self._is_within, self._dropped = False, 0
        self.links: list[str] = []

    @property
    def text(self) -> str:
        """What it is, as HTML."""
        return "".join(self._pieces)

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        """Keep an element of the content, its ids its page's own."""
        if tag in _DROPPED:
            self._dropped += 1
        told = self.get_starttag_text() or ""
        self._keep(_OWN_ID.sub(self._own_ids, _HREF.sub(self._leads_to, told)))
        self._is_within = self._is_within or tag == "main"

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """Keep one without content."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Keep its end."""
        self._is_within = self._is_within and tag != "main"
        self._keep(f"</{tag}>")
        self._dropped -= tag in _DROPPED

    def handle_data(self, data: str) -> None:
        """Keep text as it is written."""
        self._keep(data)

    def handle_entityref(self, name: str) -> None:
        """Keep a character as it is written."""
        self._keep(f"&{name};")

    def handle_charref(self, name: str) -> None:
        """Keep a character as it is written."""
        self._keep(f"&#{name};")

    def _keep(self, piece: str) -> None:
        if self._is_within and not self._dropped:
            self._pieces.append(piece)

    def _leads_to(self, href: re.Match[str]) -> str:
        link, fragment = urldefrag(urljoin(self._path, unescape(href[2])))
        if self._is_within and not self._dropped:
            self.links.append(link)
        place = (self._places or {}).get(link)
        if place is None:
            return ""
        return f'{href[1]}#p{place}{f"-{fragment}" if fragment else ""}"'

    def _own_ids(self, found: re.Match[str]) -> str:
        place = (self._places or {}).get(self._path, 0)
        names = " ".join(f"p{place}-{name}" for name in found[2].split())
        return f'{found[1]}{names}"'


def _file(found: Mapping[str, str], left_out: int) -> str:
    """Return the pages as one, the first of them shown first."""
    places = {path: number for number, path in enumerate(found)}
    style = (STATIC / "app.css").read_text("utf-8") + _STYLE
    title = _TITLE.search(next(iter(found.values())))
    nav = "".join(
        f'<a href="#p{places[path]}">{name}</a>\n'
        for path, name in zip(_FIRST, _NAMES, strict=True)
        if path in places
    )
    more = f" {count(left_out, 'page')} left out: it has its size." if left_out else ""
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="color-scheme" content="light dark">\n',
            f"<title>{title[1] if title else 'Autopack'}</title>\n",
            f"<style>\n{style}</style>\n</head>\n<body>\n{HATCH}\n",
            f'<header><nav aria-label="Pages">\n{nav}</nav></header>\n' if nav else "",
            *_pages(found, places),
            f"<footer>{count(len(found), 'page')}, as they stood when this was written.{more}",
            "</footer>\n</body>\n</html>\n",
        )
    )


def _pages(found: Mapping[str, str], places: Mapping[str, int]) -> Iterator[str]:
    for path, number in places.items():
        part = _Part(path, places)
        part.feed(found[path])
        yield f'<main class="page" id="p{number}">\n{part.text}</main>\n'
