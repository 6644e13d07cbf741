"""
``python -m tests.docs.references``: write what the pages say of each public name and command.

Between ``<!-- made: NAME ... -->`` and ``<!-- end -->`` a page has what docstrings, signatures and
options say of those names; all else is written by hand, and is left as it is.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from . import command_entries, python_entries
from .docstrings import Link, headings

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
AGAIN: Final = "python -m tests.docs.references"
Entry: TypeAlias = Callable[[str, Link], str]
PAGES: Final[Mapping[str, tuple[str, Entry]]] = {
    "python.md": ("autopack", python_entries.entry),
    "types.md": ("autopack.types", python_entries.entry),
    "cli.md": ("autopack.cli.main", command_entries.entry),
}
"""Each page with the module whose names it describes, and what describes one."""

_MADE: Final = re.compile(r"(<!-- made: ([^>]*) -->\n).*?(<!-- end -->)", re.DOTALL)


def names_on(text: str) -> list[str]:
    """Return the names that a page is to describe, in order."""
    return [name for _start, names, _end in _MADE.findall(text) for name in names.split()]


def made(page: str, text: str, link: Link) -> str:
    """Return a page's text with what it says of its names made anew."""
    module, entry = PAGES[page]

    def described(part: re.Match[str]) -> str:
        paths = (name if "." in name else f"{module}.{name}" for name in part[2].split())
        return f"{part[1]}\n" + "\n\n".join(entry(path, link) for path in paths) + f"\n\n{part[3]}"

    return _MADE.sub(described, text)


def anchors(texts: Mapping[str, str]) -> dict[str, str]:
    """Return where each name is described, as a link: ``page.md#anchor``."""
    return {
        title: f"{page}#{anchor}"
        for page, text in reversed(texts.items())
        for title, anchor in headings(text)
        if re.fullmatch(r"[\w.]+|autopack( [\w-]+)*", title)
    }


def todays() -> dict[str, str]:
    """Return the pages as they should be."""
    texts = {page: (DOCS / page).read_text(encoding="utf-8") for page in PAGES}
    bare = {page: made(page, text, lambda _name: None) for page, text in texts.items()}
    errors = (DOCS / "errors.md").read_text(encoding="utf-8")
    places = anchors({**bare, "errors.md": errors})

    def link_from(page: str) -> Link:
        def link(name: str) -> str | None:
            place = places.get(name)
            return place.removeprefix(page) if place else None

        return link

    return {page: made(page, text, link_from(page)) for page, text in texts.items()}


if __name__ == "__main__":
    for page, text in todays().items():
        (DOCS / page).write_text(text, encoding="utf-8")
