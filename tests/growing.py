"""Texts of every make, of any length, and how long work on them takes."""

import time
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

PIECES = {
    "letters": "a",
    "hexadecimal digits": "0123456789abcdef",
    "dots": "a.",
    "slashes": "a/",
    "digits": "7",
    "digits with commas": "1,",
    "digits of another script": "٣",
    "times": "11:",
    "blanks": " ",
    "line ends": "\n",
    "quotes": "\"'",
    "brackets": "({[",
    "braces": "{a.",
    "hyphens": "-",
    "beginnings of URLs": "a://?",
    "questions": "x://h?a=?pass",
    "waits": "retry after ",
    "spans": "wait for 1m ",
    "what is reached": "reach",
    "letters that grow": "İ",
    "words": "lorem ipsum ",
}
"""What texts are made of that once took the square of their length, and some that never did."""

pieces = st.text(alphabet="a1f.,:/\\-_ \n\"'({[&?=@x\u0660é", min_size=1, max_size=6)
"""What else they may be made of."""


def made_of(piece: str, n_chars: int) -> str:
    """Return a text of so many characters, and an end that is none of its pieces."""
    return piece * (n_chars // len(piece)) + " end"


def growth(work: Callable[[str], Any], piece: str, *, n_chars: int = 30_000) -> float:
    """Return how many times longer eight times the text takes; what takes no time at all is 1."""
    short, long = (
        min(_seconds(work, made_of(piece, n)) for _again in range(3))
        for n in (n_chars, 8 * n_chars)
    )
    return long / max(short, 0.0005)


def _seconds(work: Callable[[str], Any], text: str) -> float:
    began = time.process_time()
    work(text)
    return time.process_time() - began
