"""The server that shows the pages: uvicorn, on a socket that is bound before it is told."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import uvicorn

from autopack.errors import InvalidInputError

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from autopack import Log

_GRACE_S: Final = 1


@contextlib.contextmanager
def keeping_past(log: "Log") -> Iterator[None]:
    """Keep the past of a long log meanwhile, so that steps in time are quick."""
    has_ended = threading.Event()
    keeper = threading.Thread(target=log.keep_past, kwargs={"until": has_ended.is_set})
    keeper.start()
    try:
        yield
    finally:
        has_ended.set()
        keeper.join()


class _Server(uvicorn.Server):
    """Ends what open pages listen to before it waits for them, so that nothing is broken off."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self.config.app.state.news.stop()  # type: ignore[union-attr]  # our own app
        await super().shutdown(sockets)


def listen(
    app: "Starlette", *, host: str, port: int, told: Callable[[str], object], fragment: str = ""
) -> None:
    """
    Show the pages until Ctrl-C.

    Args:
        port: 0 is any that is free.
        told: Called with the address once it can be opened.
        fragment: What stands behind it, which a browser keeps to itself.

    Raises:
        InvalidInputError: Nothing can listen there.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    with _listening(host, port) as opened:
        shown = f"[{host}]" if ":" in host else host
        told(f"http://{shown}:{opened.getsockname()[1]}/{fragment}")
        with contextlib.suppress(KeyboardInterrupt):
            _Server(config).run(sockets=[opened])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), port), family=family)
    except OSError as fault:
        raise InvalidInputError(
            f"Nothing can listen on {host}, port {port}: {fault.strerror}. "
            "Choose another with --port, or 0 for any that is free.",
            name="port",
            value=port,
        ) from fault
