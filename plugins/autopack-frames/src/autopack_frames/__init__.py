"""The views of a log as pandas or polars frames, and as Parquet files."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopack_frames.view_frames import Frames as Frames
    from autopack_frames.view_frames import batches as batches
    from autopack_frames.view_frames import columns as columns
    from autopack_frames.view_frames import frame as frame
    from autopack_frames.view_frames import frames as frames

__all__ = ["Frames", "batches", "columns", "frame", "frames"]


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is used: every command loads the plugin, few need a frame."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("autopack_frames.view_frames"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
