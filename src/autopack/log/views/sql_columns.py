"""A keyed projection's rows as columns: of which kind each field is, by its type."""

from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from autopack.errors import InvalidInputError
from autopack.ports.projection import is_keyed
from autopack.values.money import Usd

_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "boolean"), (int, "integer"), (Usd, "usd"), (float, "real"), (datetime, "moment"),
    (date, "text"), (str, "text"), (Enum, "text"),
)  # fmt: skip


def sql_columns(projection: Any) -> tuple[tuple[str, str], ...]:
    """
    Return a projection's columns, each by its field's name and kind; none where it asks for none.

    A field that is neither a text, a number, a moment nor an amount is ``json``.

    Raises:
        InvalidInputError: It asks for a view in SQL, and has no rows with fields.
    """
    if not getattr(projection, "sql_view", False):
        return ()
    if not is_keyed(projection) or not attrs.has(projection.row_type):
        raise InvalidInputError(
            f"Projection {projection.name!r} has sql_view, and no rows of an attrs class.",
            name="sql_view",
            value=projection.name,
        )
    hints = get_type_hints(projection.row_type, include_extras=True)
    return tuple((one.name, _kind(hints[one.name])) for one in attrs.fields(projection.row_type))


def _kind(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin in (Union, UnionType):
        kinds = {_kind(one) for one in arguments if one is not NoneType}
        return kinds.pop() if len(kinds) == 1 else "json"
    if origin is Literal:
        return _kind(type(arguments[0]))
    if isinstance(hint, type):
        return next((kind for known, kind in _KINDS if issubclass(hint, known)), "json")
    base = getattr(hint, "__supertype__", None)  # of a NewType
    return "json" if base is None else _kind(base)
