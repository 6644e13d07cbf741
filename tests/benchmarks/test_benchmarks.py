"""The benchmarks run; their figures are for the one who asks for them."""

import pytest
from tests.benchmarks.__main__ import measure
from tests.benchmarks.measuring import table


@pytest.mark.slow
def test_every_row_is_measured(tmp_path):
    """A small run gives a table with one line for each figure that is promised."""
    rows = list(measure(tmp_path, 1000))

    assert 14 == len({row.what for row in rows})
    assert 16 == len(table(rows).splitlines())
