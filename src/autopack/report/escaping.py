"""
What others wrote, where a terminal or a page would obey it: shown, and never carried out.

Names, reasons, messages, notes, categories and models come from files, programs and models. A
terminal obeys escape sequences, a reader's eye is led by signs that turn the direction of writing,
and Markdown is HTML with other means.
"""

import re
from typing import Final

_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN: Final = "\u2028\u2029\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff"
_CONTROL: Final = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}{_UNSEEN}]")
_ON_LINE: Final = re.compile(f"[\x00-\x1f\x7f-\x9f{_BIDI}{_UNSEEN}]")
_MARKS: Final = re.compile(
    r"[\\`*\[\]<>|~]"
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # within a word it marks nothing
    r"|\A(?:#|[-+](?=\s|\Z)|\d{1,9}[.)](?=\s))"  # headings, and items of lists
    r"|://|(?<![A-Za-z0-9])www\."  # made into links without any mark
)
_ENTITIES: Final = {"<": "&lt;", ">": "&gt;", "://": r":\/\/", "www.": r"www\."}
_TICKS: Final = re.compile("`+")


def visible(text: str) -> str:
    """Return a text of several lines with its control characters shown as escapes."""
    return _CONTROL.sub(_escape, text)


def on_line(text: str) -> str:
    """Return a text with its control characters shown as escapes, line ends and tabs too."""
    return _ON_LINE.sub(_escape, text)


def in_markdown(text: object) -> str:
    """Return a text on one line that Markdown shows as it is, in a paragraph or in a table."""
    told = " ".join(on_line(" ".join(str(text).split())).replace("&", "&amp;").split())
    return _MARKS.sub(_marked, told)


def in_code(text: str) -> str:
    """Return a text on one line as code in Markdown, however many backticks it holds."""
    told = on_line(text)
    fence = "`" * (1 + max((len(run) for run in _TICKS.findall(told)), default=0))
    pad = " " if told.startswith("`") or told.endswith("`") else ""
    return f"{fence}{pad}{told}{pad}{fence}"


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _marked(found: re.Match[str]) -> str:
    return _ENTITIES.get(found[0], f"{found[0][:-1]}\\{found[0][-1]}")
