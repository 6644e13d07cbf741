"""
Which failures are alike: what they say, without what differs from one to the next.

A message may be as long as a program can print, and is read in the drain's only thread for the log:
so little of it is read, whatever its length, and no pattern gives back what it took.
"""

import re
from typing import Final

_REPEATED: Final = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"[a-z][a-z0-9+.-]{0,30}+://[^\s\"'<>)]++", "<url>"),
        (r"\d{4}-\d\d-\d\d[t ]\d\d:\d\d(:\d\d([.,]\d++)?)?( ?z\b| ?[+-]\d\d:?\d\d)?", "<time>"),
        (r"\d{4}-\d\d-\d\d", "<date>"),
        (r"\b\d\d?:\d\d(:\d\d([.,]\d++)?)?( ?[ap]m)?\b", "<time>"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
        (r"\b[a-z]:[\\/][^\s:;,\"')]++", "<path>"),
        (r"(?<![\w<>/.-])(?:[\w.-]++/)+[\w-]++\.[a-z]\w*+", "<path>"),
        (r"(?<![\w<>])\.{0,2}/[^\s:;,\"')]++", "<path>"),
        (r"\b0x[0-9a-f]++\b", "<address>"),
        (
            r"(?<![\w.>-])(?<!\d,)[-+]?\d++(?:[.,]\d++)*+(?:e[-+]?\d++)?+(?![\w-])",
            "<n>",
        ),
        (r"\b[0-9a-f]{12,}+\b", "<n>"),
        (r"\d++(?:[.,]\d++)*+", "<n>"),
        (r"\s++", " "),
    )
)
_PRINT_CHARS: Final = 200
_CODE_CHARS: Final = 100
_NORMAL_CHARS: Final = 4_000
_ROUNDS: Final = 20


def normalise(text: str) -> str:
    """
    Return *text* in lower case without what differs from one failure to the next of its kind.

    URLs, times, dates, ids, paths, addresses and numbers become words in angle brackets; a
    normal form stays as it is. Only the first 4,000 characters are read.
    """
    normal = text[:_NORMAL_CHARS].lower()
    for _round in range(_ROUNDS):
        before = normal
        for pattern, word in _REPEATED:
            normal = pattern.sub(word, normal)
        normal = normal.strip()
        if normal == before:
            break
    return normal


def fingerprint(code: str, message: str) -> str:
    """Return what failures that differ only in times, paths, ids and numbers have in common."""
    return f"{code[:_CODE_CHARS]}|{normalise(message)[:_PRINT_CHARS]}"
