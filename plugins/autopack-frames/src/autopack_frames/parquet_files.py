"""Exporter ``parquet``: one view of a log, with its types."""

from typing import BinaryIO, Final

from autopack.types import ExportSource

_GROUP: Final = 65_536
"""How many rows a group has: what is in memory at once."""


class ParquetRows:
    """Typed columns, compressed: whole numbers, exact decimals, moments in UTC; unknown is null."""

    name = "parquet"
    takes_view = True
    counts = "rows"

    def write(self, source: ExportSource, file: BinaryIO) -> int:
        """Write the view that was asked for; return how many rows it has."""
        import pyarrow.parquet as pq

        from autopack_frames.arrow_tables import record_batches, schema_of

        table, n_rows = source.table(), 0
        with pq.ParquetWriter(file, schema_of(table), compression="zstd") as writer:
            for batch in record_batches(table, _GROUP):
                writer.write_batch(batch)
                n_rows += batch.num_rows
        return n_rows
