"""The benchmarks run; their figures are for the one who asks for them."""

import pytest
from tests.benchmarks import growth
from tests.benchmarks.__main__ import measure
from tests.benchmarks.measuring import table


@pytest.mark.slow
def test_every_row_is_measured(tmp_path):
    """A small run gives a table with one line for each figure that is promised."""
    rows = list(measure(tmp_path, 1000))

    assert 14 == len({row.what for row in rows})
    assert 16 == len(table(rows).splitlines())


@pytest.mark.slow
def test_growth_is_measured_tenfold_at_a_time(tmp_path):
    """The first size gives a row with a figure in each column."""
    (row,) = growth.grow(tmp_path / "log.db", 10_000)

    assert "10,000" == row[0]
    assert 10 == len(row)
