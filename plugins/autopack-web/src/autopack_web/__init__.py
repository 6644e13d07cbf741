"""Pages over a log, in a browser: ``autopack serve``, or :func:`create_app` in your own server."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autopack_web.app import create_app as create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> object:
    """Load the app when it is asked for: the entry point is read at each start of a command."""
    if name != "create_app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from autopack_web.app import create_app

    return create_app
