"""A view as Arrow's batches: each kind of column as the Arrow type that keeps it."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from autopack.types import Column, ViewTable

_TYPES: Final = {
    "text": pa.string(),
    "integer": pa.int64(),
    "real": pa.float64(),
    "boolean": pa.bool_(),
    "moment": pa.timestamp("us", tz="UTC"),
    "usd": pa.decimal128(38, 12),
}


def schema_of(table: ViewTable) -> pa.Schema:
    """Return the Arrow schema of a view; what a column says is in its metadata, as ``doc``."""
    where = {"autopack.view": table.name, "autopack.position": str(table.position)}
    return pa.schema([_field(column) for column in table.columns], metadata=where)


def record_batches(table: ViewTable, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield a view in batches of so many rows at most."""
    schema = schema_of(table)
    for batch in table.batches(rows):
        yield pa.record_batch(
            [pa.array(batch[field.name], field.type) for field in schema], schema=schema
        )


def whole(table: ViewTable, rows: int) -> pa.Table:
    """Return all of a view."""
    return pa.Table.from_batches(record_batches(table, rows), schema_of(table))


def _field(column: Column) -> pa.Field:
    return pa.field(column.name, _TYPES[column.kind], metadata={"doc": column.doc})
