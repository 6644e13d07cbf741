"""
What keys look like, and where they stand in a text.

Keys may stand side by side, with nothing between them: each is looked for by itself in the text as
it is, and reaches to the end of its word, so that none is taken for the rest of another. Every
pattern is linear: it begins with letters that are its own, and never gives back what it took.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

BLANK: Final = "[redacted]"

Span = tuple[int, int]


class Shape(NamedTuple):
    """A kind of key: a text without one of its marks need not be searched."""

    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    """The group ``secret`` is what must go; a match without it only passes over a word."""


_WORD: Final = "[A-Za-z0-9_-]"
# Within a word, "sk-" may be the end of "task-": a key there says whose it is, or is long, and
# looks drawn at random.
_OWNERS: Final = "(?:ant|proj|svcacct|admin|or-v1)-"
_RANDOM: Final = "".join(
    f"(?=[{others}_-]{{0,64}}+[{one}])"
    for one, others in (("A-Z", "a-z0-9"), ("a-z", "A-Z0-9"), ("0-9", "A-Za-z"))
)
_QUERIED: Final = "|".join(
    f"(?<=(?i:{name})=)" for name in ("key", "token", "secret", "password", "signature", "sig")
)


def _shape(pattern: str, *marks: str) -> Shape:
    return Shape(marks, re.compile(pattern))


def _word(begins: str, body: str, mark: str) -> Shape:
    """Return the shape of a key that is known by how it begins, and ends with its word."""
    return _shape(rf"(?P<secret>{begins}{body}{_WORD}*+(?:\.{_WORD}{{16,}}+)*+)", mark)


SHAPES: Final = (
    # Keys that say whose they are.
    _word(r"sk-(?<![A-Za-z0-9]sk-)", rf"{_WORD}{{20,}}+", "sk-"),
    _word(rf"sk-(?:{_OWNERS}|(?=[A-Za-z0-9]{{32}})){_RANDOM}", rf"{_WORD}{{13,}}+", "sk-"),
    _word("[rs]k_(?:live|test)_", "[A-Za-z0-9]{16,}+", "k_"),
    _word("gh[opsur]_", "[A-Za-z0-9]{30,}+", "gh"),
    _word("github_pat_", "[A-Za-z0-9_]{20,}+", "github_pat_"),
    _word("glpat-", rf"{_WORD}{{20,}}+", "glpat-"),
    _word("AKIA", "[0-9A-Z]{16}", "AKIA"),
    _word("ASIA", "[0-9A-Z]{16}", "ASIA"),
    _word("AIza", rf"{_WORD}{{35}}", "AIza"),
    _word("xox[abeoprs]-", "[A-Za-z0-9-]{10,}+", "xox"),
    _word("xapp-", "[A-Za-z0-9-]{10,}+", "xapp-"),
    _word("hf_", "[A-Za-z0-9]{30,}+", "hf_"),
    _word("gsk_", "[A-Za-z0-9]{30,}+", "gsk_"),
    _word("xai-", "[A-Za-z0-9]{30,}+", "xai-"),
    _word("npm_", "[A-Za-z0-9]{30,}+", "npm_"),
    _word(r"ya29\.", rf"{_WORD}{{20,}}+", "ya29."),
    _word(r"SG\.", rf"{_WORD}{{16,}}+\.{_WORD}{{16,}}+", "SG."),
    # A JSON web token, or a word that only begins like one.
    _shape(
        rf"(?P<secret>eyJ{_WORD}{{10,}}+\.{_WORD}{{10,}}+\.{_WORD}*+(?:\.{_WORD}{{10,}}+)*+)"
        rf"|eyJ{_WORD}*+",
        "eyJ",
    ),
    # The password of a URL; a user without a password is no secret. Then what it is asked with.
    _shape(r"://[^/\s:@]*+:(?P<secret>[^/\s@]++)(?=@)", "://"),
    _shape(
        rf"[?&][A-Za-z0-9_.-]{{1,60}}+=(?:{_QUERIED})(?P<secret>[^&\s#\"'<>]{{8,}}+)", "?", "&"
    ),
    # HTTP headers, of which the next may begin where a value ends, and AWS's other half.
    _shape(r"(?i:bearer) ++(?=(?P<secret>[A-Za-z0-9_.~+/=-]{16,}+))", "earer ", "EARER "),
    _shape(r"(?i:basic) ++(?=(?P<secret>[A-Za-z0-9+/=]{16,}+))", "asic ", "ASIC "),
    _shape(
        r"(?i:x-api-key)[\"']?+ ?+[:=] ?+[\"']?+(?=(?P<secret>[A-Za-z0-9_.~+/-]{8,}+=*+))",
        "x-api-key", "X-Api-Key", "X-API-Key", "X-API-KEY",
    ),
    _shape(
        r"(?i:secret_?+access_?+key)[\"']?+\s{0,4}+[:=]\s{0,4}+[\"']?+"
        r"(?P<secret>[A-Za-z0-9+/]{40}+=*+)",
        "ccess", "CCESS",
    ),
)  # fmt: skip

_PEM_KIND: Final = "[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
_PEM: Final = re.compile(rf"-----BEGIN {_PEM_KIND}[\s\S]*?(?:-----END {_PEM_KIND}|\Z)")
_PEM_END: Final = re.compile(rf"-----END {_PEM_KIND}")
_LINE_END: Final = re.compile(r"\\n|\n")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=\r]*")
_PEM_MOST: Final = 16_384


def without_private_keys(text: str) -> str:
    """Return a text without private keys in PEM, also those whose beginning or end is cut off."""
    if "PRIVATE KEY" not in text:
        return text
    text = _PEM.sub(BLANK, text)
    parts, done = [], 0
    for end in _PEM_END.finditer(text):
        start = _body_start(text, max(done, end.start() - _PEM_MOST), end.start())
        parts += [text[done:start], BLANK]
        done = end.end()
    return "".join([*parts, text[done:]])


def _body_start(text: str, least: int, end: int) -> int:
    """Return where the lines begin that can only be a key's, from an end back."""
    breaks = [least, *(found.end() for found in _LINE_END.finditer(text, least, end))]
    start = end
    for begin in reversed(breaks):
        line = _LINE_END.sub("", text[begin:start])
        if _BASE64.fullmatch(line) is None:
            break
        start = begin
    return start


def spans(text: str) -> Iterator[Span]:
    """Yield where secrets stand in a text; they may overlap."""
    for marks, pattern in SHAPES:
        if any(mark in text for mark in marks):
            for found in pattern.finditer(text):
                start, end = found.span("secret")
                if start >= 0 and text[start:end] != BLANK:
                    yield start, end


def without(text: str, found: list[Span]) -> str:
    """Return a text with a blank for each place, and one for those that touch."""
    parts, done, reached = [], 0, -1
    for start, end in sorted(found):
        if start > reached:  # it stands apart from those before
            parts += [text[done:start], BLANK]
        done = reached = max(reached, end)
    return "".join([*parts, text[done:]])
