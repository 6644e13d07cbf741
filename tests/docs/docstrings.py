"""Turns docstrings, in Google's style with marks of reStructuredText, into plain Markdown."""

import re
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

Link: TypeAlias = Callable[[str], str | None]
"""Returns where a dotted name is described, or None."""

SECTIONS: Final = ("Args", "Attributes", "Returns", "Yields", "Raises", "Source")
_SECTION: Final = re.compile(rf"({'|'.join(SECTIONS)}):(?: (.*))?")
_ROLE: Final = re.compile(r":(\w+):`(~?)([\w.]+)`")
_ITEM: Final = re.compile(r"(\*{0,2}\w[\w.]*(?:, \*{0,2}\w[\w.]*)*): (.*)")


def markdown(docstring: str, link: Link) -> str:
    """Return a docstring as Markdown: a paragraph a line, a section's items as a list."""
    parts = []
    for block in filter(None, docstring.split("\n\n")):
        first, *rest = block.splitlines()
        section = _SECTION.fullmatch(first)
        if section is None:
            parts.append(inline(_joined(block), link))
        elif section[1] == "Args":
            parts.append(_listed(rest, link))
        elif items := _listed(rest, link, is_linked=section[1] == "Raises"):
            parts.append(f"{section[1]}:\n\n{items}" if items[0] == "-" else _told(section, items))
        else:
            parts.append(_told(section, inline(section[2] or "", link)))
    return "\n\n".join(parts)


def inline(text: str, link: Link) -> str:
    """Return a text with its roles as links, where they lead somewhere, and its code as code."""

    def shown(role: re.Match[str]) -> str:
        kind, is_short, name = role.groups()
        called = "()" if kind in ("func", "meth") else ""
        name = re.sub(r"^autopack\.(types\.)?(?=\w+(\.\w+)?$)", "", name)
        return linked(name.rpartition(".")[2] + called if is_short else name + called, link(name))

    return re.sub(r"``([^`]+)``", r"`\1`", _ROLE.sub(shown, text))


def linked(code: str, place: str | None) -> str:
    """Return code, as a link if it is described at a place."""
    return f"[`{code}`]({place})" if place else f"`{code}`"


def _told(section: re.Match[str], text: str) -> str:
    return f"{section[1]}: {text}"


def _listed(lines: list[str], link: Link, *, is_linked: bool = False) -> str:
    """Return a section's items as a list, or its text where it has none."""
    least = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    text = "\n".join(line[least:] for line in lines)
    items = []
    for item in re.split(r"\n(?! )", text) if text else ():
        named = _ITEM.fullmatch(_joined(item))
        if named is None:
            return inline(_joined(text), link)
        names = (linked(n, link(n) if is_linked else None) for n in named[1].split(", "))
        items.append(f"- {', '.join(names)}: {inline(named[2], link)}")
    return "\n".join(items)


def _joined(text: str) -> str:
    return " ".join(text.split())


def headings(page: str) -> Iterator[tuple[str, str]]:
    """Yield each heading of a page with its anchor; of those that read alike later are numbered."""
    seen: dict[str, int] = {}
    without_code = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    for title in re.findall(r"^#+ (.+)$", without_code, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        seen[slug] = seen.get(slug, -1) + 1
        yield title, f"{slug}-{seen[slug]}" if seen[slug] else slug
