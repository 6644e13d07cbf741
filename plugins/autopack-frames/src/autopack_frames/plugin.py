"""The exporter ``parquet``."""

from autopack.plugins.hookspecs import Register, hookimpl


@hookimpl
def autopack_register_exporters(register: Register) -> None:
    """Register ``parquet``; pyarrow is loaded when it is used."""
    from autopack_frames.parquet_files import ParquetRows

    register("parquet", ParquetRows())
