"""What a plugin's class says of its options' types is what it is given."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Protocol

import attrs
import pytest

from autopack.plugins.option_types import MisfitError, fitted, read, types_of


class Colour(Enum):
    """Two colours."""

    RED = "red"
    BLUE = "blue"


class Looker(Protocol):
    """Something that looks; nobody can tell at run time what does."""

    def look(self) -> None:
        """Look."""


class Looks:
    """One that does."""

    def look(self) -> None:
        """Look."""


LOOKS = Looks()
MOMENT = "a moment with its zone (2026-01-31T08:00Z)"


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (20, int, 20),
        (1, float, 1),
        ("x", str | None, "x"),
        (None, str | None, None),
        ([1, 2], tuple[int, ...], (1, 2)),
        (("a",), list[str], ["a"]),
        (["a", ["b", "c"]], Sequence[str | Sequence[str]], ["a", ["b", "c"]]),
        ({"a": 1}, Mapping[str, int], {"a": 1}),
        ("here", Path, Path("here")),
        ("here", str | Path, "here"),
        ("2026-01-31T08:00:00Z", datetime, datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T08:00+01:00", datetime | None, datetime(2026, 1, 31, 7, tzinfo=UTC)),
        ("red", Colour, Colour.RED),
        ("rebase", Literal["rebase", "ask"], "rebase"),
        (LOOKS, Looker, LOOKS),
        ([LOOKS], Sequence[Looker], [LOOKS]),
        ("anything", Looker, "anything"),
        (3, Any, 3),
    ],
)
def test_what_is_of_the_type_is_taken(value, hint, expected):
    """As the type has it; what nobody can tell is left as it is."""
    found = fitted(value, hint)

    assert (expected, type(expected)) == (found, type(found))


@pytest.mark.parametrize(
    ("value", "hint", "says"),
    [
        ("20", int, "is '20'; it must be a whole number"),
        (20.5, int, "is 20.5; it must be a whole number"),
        (True, int, "is True; it must be a whole number"),
        (1, bool, "is 1; it must be true or false"),
        (5, str | None, "is 5; it must be a text or null"),
        ("a", tuple[str, ...], "is 'a'; it must be a list, each item a text"),
        ([1], Sequence[str], "is [1]; it must be a list, each item a text"),
        ({"a": "x"}, dict[str, int], "is a table; it must be a table, each value a whole number"),
        ("merge", Literal["rebase", "ask"], "is 'merge'; it must be one of 'rebase', 'ask'"),
        ("green", Colour, "is 'green'; it must be one of 'red', 'blue'"),
        (5, Path, "is 5; it must be a path"),
        ("soon", datetime, f"is 'soon'; it must be {MOMENT}"),
        ("2026-01-31T08:00", datetime, f"is '2026-01-31T08:00'; it must be {MOMENT}"),
        ("x", Looks, "is 'x'; it must be of type Looks"),
    ],
)  # fmt: skip
def test_what_is_of_another_type_is_refused(value, hint, says):
    """With what was given and what must be; of a table, which may hold secrets, only that."""
    with pytest.raises(MisfitError) as fault:
        fitted(value, hint)

    assert says == str(fault.value)


@pytest.mark.parametrize(
    ("text", "hint", "expected"),
    [
        ("5", Any, 5),
        ("5", int, 5),
        ("5", str, "5"),
        ("1.10", str | None, "1.10"),
        ("null", str | None, None),
        ("null", str, "null"),
        ('"5"', str, "5"),
        ("[1]", str, "[1]"),
        ('["a"]', str | Sequence[str], ["a"]),
        ("1.10", str | float, 1.1),
        ("five", int, "five"),
    ],
)
def test_a_typed_text_is_json_unless_a_text_is_wanted(text, hint, expected):
    """A version, a label or a name that looks like a number stays what was typed."""
    found = read(text, hint)

    assert (expected, type(expected)) == (found, type(found))


def test_types_are_those_of_the_constructor():
    """Those in quotes as well, what an attrs converter takes, and none that cannot be looked up."""

    @attrs.frozen(kw_only=True)
    class Base:
        share: "float" = 0.5
        sizes: tuple[int, ...] = attrs.field(default=(), converter=tuple)

    @attrs.frozen(kw_only=True)
    class Fields(Base):
        until: datetime | None = attrs.field(default=None, converter=_moment)
        unknown: "NoSuchType" = None  # noqa: F821

    class Plain:
        def __init__(self, k: int, free=None):
            self.k = k, free

    assert {"share": float, "until": str | None} == types_of(Fields)
    assert {"k": int} == types_of(Plain)
    assert {} == types_of(dict)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
