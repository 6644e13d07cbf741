"""Parquet files of the views."""

from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autopack import export_history
from autopack.errors import LogError, LogExistsError


def test_a_file_keeps_types(log, tmp_path):
    """Exact decimals, moments with their zone, whole numbers; unknown is null."""
    n_rows = export_history(log, "parquet", tmp_path / "usage.parquet")
    found = pq.read_table(tmp_path / "usage.parquet")
    kinds = {field.name: field.type for field in found.schema}

    assert (2, 2) == (n_rows, found.num_rows)
    assert pa.timestamp("us", tz="UTC") == kinds["occurred_at_utc"]
    assert (pa.int64(), pa.decimal128(38, 12)) == (kinds["input_tokens"], kinds["cost_usd"])
    assert [70, None] == found["input_tokens"].to_pylist()
    assert [Decimal("9007.199254740993"), Decimal("0.2")] == found["cost_usd"].to_pylist()
    assert b"What it cost, exactly." == found.schema.field("cost_usd").metadata[b"doc"]


@pytest.mark.parametrize("view", ["events", "runs", "phases", "usage", "samples"])
def test_every_view_can_be_written(log, tmp_path, view):
    """Whole, and as of another position, also where there is nothing."""
    export_history(log, "parquet", tmp_path / "out.parquet", view=view)
    export_history(log.as_of(0), "parquet", tmp_path / "none.parquet", view=view)

    assert pq.read_table(tmp_path / "out.parquet").num_rows > 0
    assert 0 == pq.read_table(tmp_path / "none.parquet").num_rows


def test_what_is_there_is_left_alone(log, tmp_path):
    """Nor does an export that fails leave a half."""
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pq.ParquetWriter, "write_batch", _full)
        with pytest.raises(LogError):
            export_history(log, "parquet", tmp_path / "usage.parquet")
    after = sorted(path.name for path in tmp_path.iterdir())
    export_history(log, "parquet", tmp_path / "usage.parquet")
    with pytest.raises(LogExistsError):
        export_history(log, "parquet", tmp_path / "usage.parquet")

    assert before == after


def _full(*_given):
    raise OSError(28, "No space left on device")
