"""What a call costs by a table."""

import os
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from autopack.errors import InvalidInputError
from autopack.testing.facts import usage
from autopack_prices.tables import table_in

MARCH, JULY = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
MILLION = 1_000_000


def call(**fields):
    return usage(**{"input_tokens": MILLION, "output_tokens": MILLION, **fields})


@pytest.mark.parametrize(
    ("fields", "moment", "usd"),
    [
        ({"request_model": "m-large"}, MARCH, Decimal(18)),
        ({"request_model": "m-large"}, JULY, Decimal(6)),
        ({"request_model": "m-large", "cache_read_tokens": MILLION}, MARCH, Decimal("15.3")),
        ({"request_model": "m-small-2"}, MARCH, Decimal("1.5")),
        ({"request_model": "m-large", "response_model": "m-small-2"}, MARCH, Decimal("1.5")),
        ({"request_model": "m-large", "response_model": "m-large-20260101"}, MARCH, Decimal(18)),
        ({"request_model": "m-large"}, datetime(2025, 1, 1, tzinfo=UTC), None),
        ({"request_model": "another"}, MARCH, None),
        ({}, MARCH, None),
        ({"request_model": "m-large", "output_tokens": None}, MARCH, None),
        ({"request_model": "m-large", "input_tokens": None}, MARCH, None),
    ],
)
def test_a_call_has_the_price_of_its_model_and_day(table, fields, moment, usd):
    """The model that answered, else the one that was asked; what nobody knows is not 0."""
    assert usd == table_in(table).price(call(**fields), moment)


def test_a_table_that_changes_is_read_again(table):
    """Nobody has to start anew to correct a price."""
    before = table_in(table)
    table.write_text(
        '[[prices]]\nmodel = "m-large"\nsince = 2026-01-01\ninput = 1\noutput = 1\n',
        encoding="utf-8",
    )
    os.utime(table, ns=(0, 0))

    assert (3, 1) == (len(before.entries), len(table_in(table).entries))
    assert table_in(table) is table_in(table)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("absent.toml", None, "No such file"),
        ("prices.toml", "price = 1", "holds no prices"),
        ("prices.txt", "x", "must end in one of"),
        ("prices.toml", "[[prices]]\nmodel = 'm'\n", "since"),
    ],
)
def test_what_is_no_table_is_an_error(tmp_path, name, text, told):
    """It names the file and what is wrong with it."""
    path = tmp_path / name
    if text is not None:
        path.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInputError, match=told) as refused:
        table_in(path)
    assert str(path) in str(refused.value)
