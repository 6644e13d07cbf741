"""From a URL to what libpq is told, and the schema in which the log stands."""

import re
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import attrs

from autopack.errors import InvalidInputError
from autopack.log.addresses import masked

DEFAULT_SCHEMA: Final = "autopack"
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,49}")  # its channel, too, has a name of 63 bytes


@attrs.frozen(kw_only=True)
class DatabaseAddress:
    """
    Where a log stands.

    Args:
        conninfo: The URL for libpq.
        schema: The schema in that database.
        target: The URL as it is shown, credentials masked.
    """

    conninfo: str = attrs.field(repr=False)
    schema: str
    target: str

    @property
    def channel(self) -> str:
        """On which channel of the database the log's news are told."""
        return f"autopack_{self.schema}"

    def beside(self, schema: str) -> str:
        """Return how a log in another schema of the database is shown."""
        return self.target.replace(f"schema={self.schema}", f"schema={schema}")


def parsed(url: str) -> DatabaseAddress:
    """
    Return what a URL says: libpq's, and ``schema``, the log's name in the database.

    Raises:
        InvalidInputError: The schema has a name that would have to be quoted.
    """
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema = asked.pop("schema", DEFAULT_SCHEMA)
    if not _NAME.fullmatch(schema) or schema.startswith("pg_"):
        raise InvalidInputError(
            f"The schema {schema!r} has no name that PostgreSQL takes as it is: up to 50 small "
            "letters, digits and _, a letter first, and not pg_.",
            name="schema",
            value=schema,
        )
    place = f"{parts.scheme}://{parts.netloc}{parts.path}"
    for_libpq = urlencode(asked, quote_via=quote)
    shown = urlencode({**asked, "schema": schema}, quote_via=quote, safe="/")
    return DatabaseAddress(
        conninfo=f"{place}?{for_libpq}" if asked else place,
        schema=schema,
        target=masked(f"{place}?{shown}"),
    )
