"""No test reaches beyond this machine: who tries is refused, and found whoever caught it."""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any, Final

REACHED: Final[list[str]] = []
"""Whom the test that runs has tried to reach, or to look up."""

_NAMES: Final = frozenset({"", "localhost"})
_NOBODY: Final = ".invalid"
"""What no name ends in that anybody has (RFC 2606): it is not looked up."""


def is_here(host: Any) -> bool:
    """Tell whether a host's name or address is this machine's own."""
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in _NAMES:
        return True
    try:
        address = ipaddress.ip_address(str(name).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def keep_here() -> None:
    """Refuse from now on, in this process, whatever is not on this machine."""
    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, _checked(getattr(socket.socket, name)))
    look_up: Any = socket.getaddrinfo

    def getaddrinfo(host: Any, *given: Any, **named: Any) -> Any:
        if str(host).endswith(_NOBODY):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        _refuse(host)
        return look_up(host, *given, **named)

    setattr(socket, "getaddrinfo", getaddrinfo)  # noqa: B010 - it is what the module has


def watched() -> Iterator[None]:
    """
    Watch over a test.

    Raises:
        AssertionError: It has reached for somebody; the first refusal may have been caught.
    """
    REACHED.clear()
    yield
    assert [] == REACHED, f"a test reached for the network: {REACHED}"


def _checked(connect: Any) -> Any:
    def checked(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse(address[0])
        return connect(self, address)

    return checked


def _refuse(host: Any) -> None:
    if not is_here(host):
        REACHED.append(str(host))
        raise AssertionError(f"a test reached for the network: {host}")
