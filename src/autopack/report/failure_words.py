"""Failures in words: what happened, said once; and texts that are cut where a word ends."""

import re
from typing import Final

_DIFFERING: Final = re.compile(r"<(?:n|path|url|time|date|id|address)>")
_BETWEEN: Final = re.compile(r"[\s\"'`,;<>()\[\]{}|]")


def failure_words(code: str | None, message: str | None, state: str = "") -> str:
    """
    Return a failure on one line, its code before its message unless that says it already.

    Args:
        state: The phase's state, which says as much as a code of the same name.
    """
    said = one_line(message) if message else "no message"
    code = one_line(code) if code else code
    is_said = not code or said.startswith(f"{code}:") or code.upper() == state
    return said if is_said else f"{code}: {said}"


def kind_words(fingerprint: str) -> str:
    """Return what failures of a kind have in common; where they differ stand dots."""
    code, bar, text = fingerprint.partition("|")
    text = _DIFFERING.sub("…", text)
    if not bar:
        return one_line(code.replace("_", " "))
    return failure_words(code, text.removeprefix(f"{code.lower()}: "))


def start_of(text: str, most: int) -> str:
    """Return the beginning of *text*, at most so many characters: half a word is none of it.

    Half a key is no key to who looks for keys, and yet half known.
    """
    if len(text) <= most or _BETWEEN.match(text[most]):
        return text[:most]
    ends = [found.start() for found in _BETWEEN.finditer(text, 0, most)]
    return text[: ends[-1] if ends else 0]


def end_of(text: str, most: int) -> str:
    """Return the end of *text*, at most so many characters: half a word is none of it."""
    if len(text) <= most or _BETWEEN.match(text[-most - 1]):
        return text[-most:] if most else ""
    found = _BETWEEN.search(text, len(text) - most)
    return "" if found is None else text[found.end() :]


def ends_of(text: str, most: int) -> str:
    """Return so many characters of a text's beginning and of its end; all of it if it is short."""
    return text if len(text) <= 2 * most else f"{text[:most]}\n{text[-most:]}"


def one_line(text: str) -> str:
    """Return *text* with its line breaks and blanks as single spaces."""
    return " ".join(text.split())
