"""What is refused before a page is asked, and what each answer says of itself."""

import ipaddress
import secrets
from collections.abc import Collection, Iterable
from typing import Final

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autopack.errors import InvalidInputError

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
"""The names by which a browser on this machine asks."""

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS: Final = {
    b"content-security-policy": _POLICY.encode(),
    b"cache-control": b"no-store",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"same-origin",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}
"""Of each answer: no script and no style but ours, in nobody's frame, kept by nobody."""


def new_token() -> str:
    """Draw what a request that writes must bring."""
    return secrets.token_urlsafe(24)


def known_hosts(listens: str, names: Collection[str]) -> tuple[str, ...]:
    """
    Return by which names the pages may be asked.

    Args:
        listens: The address at which they are served.
        names: Those that were told, without a port.

    Raises:
        InvalidInputError: Others than this machine reach that address, and no name was told.
    """
    if not names and not _is_loopback(listens):
        raise InvalidInputError(
            f"At {listens} others than this machine can read the log. If they are to, say by which "
            "name they ask for it, with --allow-host NAME; else leave --host out.",
            name="host",
            value=listens,
        )
    return (*LOOPBACK, *names)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def middleware(hosts: Collection[str] = LOOPBACK) -> list[Middleware]:
    """
    Return what stands between the server and the pages.

    Args:
        hosts: By which names they may be asked, without a port.
    """
    return [Middleware(Headers), Middleware(HostCheck, hosts=hosts)]


class Headers:
    """Adds the headers to each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        has_begun = False

        async def told(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                others = [pair for pair in message["headers"] if pair[0] not in HEADERS]
                message["headers"] = [*others, *HEADERS.items()]
            await send(message)

        try:
            await self._app(scope, receive, told)
        except Exception:
            if scope["type"] == "http" and not has_begun:
                failed = PlainTextResponse(
                    "This page failed; where it is served, it says why.", 500
                )
                await failed(scope, receive, told)
            raise


class HostCheck:
    """
    Answers those alone who ask for this machine by a name that was told.

    A site of somebody else may let its own name stand for 127.0.0.1 once its script is loaded; the
    name is what it cannot change.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] != "http" or self._is_meant(scope["headers"]):
            await self._app(scope, receive, send)
        else:
            known = ", ".join(sorted(self._hosts))
            refusal = PlainTextResponse(f"Ask for one of {known}.", 421)
            await refusal(scope, receive, send)

    def _is_meant(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        told = [value.decode("latin-1") for name, value in headers if name == b"host"]
        return len(told) == 1 and _name(told[0]) in self._hosts


def _name(host: str) -> str:
    """Return a Host without its port: ``[::1]:80`` is ``[::1]``."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def why_refused(request: Request, token_given: str) -> str | None:
    """Return why a request that writes is refused; None if it is not."""
    state, origin = request.app.state, request.headers.get("origin")
    if not state.allow_writes or state.token is None:
        return "Nothing can be changed here: autopack serve was begun without --allow-writes."
    if origin != f"{request.url.scheme}://{request.url.netloc}":
        return f"It was asked for by a page of {origin or 'nobody knows where'}."
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return "It was asked for by a page of another site."
    if not secrets.compare_digest(token_given.encode(), state.token.encode()):
        return "The token is not the one that autopack serve told when it began."
    return None
