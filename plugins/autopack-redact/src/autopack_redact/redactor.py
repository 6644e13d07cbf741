"""Takes keys, passwords and this process's own secrets out of a text."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from autopack import hookimpl
from autopack.errors import InvalidInputError
from autopack_redact.patterns import BLANK, spans, without, without_private_keys

FILE: Final = "AUTOPACK_REDACT_PATTERNS"
_SECRET_NAME: Final = re.compile(
    r"(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|DSN)$"
)
_SHORTEST: Final = 8
_ROUNDS: Final = 4


def _compiled(given: "tuple[str | re.Pattern[str], ...]") -> tuple[re.Pattern[str], ...]:
    try:
        return tuple(re.compile(pattern) for pattern in given)
    except re.error as fault:
        raise InvalidInputError(f"{fault.pattern!r} is no regular expression: {fault}.") from fault


@attrs.frozen(kw_only=True)
class Redactor:
    """
    Replaces what must not be stored by ``[redacted]``.

    Args:
        values: Texts that are secrets as they are.
        patterns: Regular expressions of more secrets, for whole matches.
    """

    values: tuple[str, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = attrs.field(default=(), converter=_compiled)

    @classmethod
    def of_environment(cls, environ: Mapping[str, str]) -> "Redactor":
        """
        Return one that knows the values of the variables that are named like secrets.

        Raises:
            InvalidInputError: The file that ``AUTOPACK_REDACT_PATTERNS`` names cannot be read.
        """
        named = {
            value for name, value in environ.items()
            if _SECRET_NAME.search(name.upper()) and len(value) >= _SHORTEST and value not in BLANK
        }  # fmt: skip
        path = environ.get(FILE, "").strip()
        return cls(
            # A secret that holds another one goes first.
            values=tuple(sorted(named, key=len, reverse=True)),
            patterns=_patterns_in(Path(path)) if path else (),
        )

    @hookimpl
    def autopack_redact(self, text: str) -> str:
        """Redact: a redactor is a plugin, for ``load_plugins(extra=[redactor])``."""
        return self.redacted(text)

    def redacted(self, text: str) -> str:
        """Return the text without secrets."""
        text = _without_keys(text)
        own = text
        for value in self.values:
            own = own.replace(value, BLANK)
        for pattern in self.patterns:
            own = pattern.sub(BLANK, own)
        return text if own == text else _without_keys(own)


def _without_keys(text: str) -> str:
    """Return a text without keys; what is left of it may be one more, where two were entangled."""
    text = without_private_keys(text)
    for _round in range(_ROUNDS):
        found = list(spans(text))
        if not found:
            break
        text = without(text, found)
    return text


def _patterns_in(path: Path) -> Any:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as fault:
        raise InvalidInputError(f"{FILE} names {path}, which cannot be read: {fault}.") from fault
    return tuple(line for line in map(str.strip, lines) if line and not line.startswith("#"))
