"""The server that shows the pages: uvicorn, on a socket that is bound before it is told."""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import uvicorn

from autopack.errors import InvalidInputError

if TYPE_CHECKING:
    from starlette.applications import Starlette

_GRACE_S: Final = 1


def listen(app: "Starlette", *, host: str, port: int, told: Callable[[str], object]) -> None:
    """
    Show the pages until Ctrl-C.

    Args:
        port: 0 is any that is free.
        told: Called with the address once it can be opened.

    Raises:
        InvalidInputError: Nothing can listen there.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    try:
        socket = config.bind_socket()
    except (OSError, SystemExit) as fault:
        raise InvalidInputError(
            f"Nothing can listen on {host}, port {port}: {fault.__context__ or fault}. "
            "Choose another with --port, or 0 for any that is free.",
            name="port",
            value=port,
        ) from fault
    shown = f"[{host}]" if ":" in host else host
    told(f"http://{shown}:{socket.getsockname()[1]}/")
    with contextlib.closing(socket), contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[socket])
