"""Results as JSON: as Python's own writes it, but for amounts, which keep their digits."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.ports.states import PhaseStatus
from autopack.values.json_text import json_text
from autopack.values.money import Usd

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=12,
)


@attrs.frozen
class Thing:
    name: str
    costs: tuple[Usd, ...] = ()


@given(PLAIN)
def test_plain_values_are_as_python_writes_them(value):
    """Indented, in ASCII, keys of other kinds as their text."""
    assert json.dumps(value, indent=2) == json_text(value)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Usd.of("0.1"), "0.1"),
        (Usd.of("0.0000001"), "0.0000001"),
        (Usd.of_pico(1), "0.000000000001"),
        (Usd(), "0"),
        (Usd.of(1), "1"),
        (Decimal("1E+5"), "100000"),
        (Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789"),
    ],
)
def test_amounts_are_numbers_with_all_their_digits(amount, text):
    """No text, no exponent, and nothing that a float would make of them."""
    assert text == json_text(amount)
    assert amount == json.loads(json_text({"usd": [amount]}), parse_float=Decimal)["usd"][0]


def test_objects_and_moments_are_written_too():
    """A result as it was returned: attrs classes by field, times in ISO 8601, states by name."""
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    value = [Thing("a", (Usd.of("0.5"),)), moment, date(2026, 1, 31), PhaseStatus.QUEUED]

    assert [
        {"name": "a", "costs": [0.5]}, "2026-01-31T12:00:00+00:00", "2026-01-31", "QUEUED"
    ] == json.loads(json_text(value))  # fmt: skip
