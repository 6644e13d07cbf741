"""For each test: no network, and an empty log."""

import socket
from typing import Any

import pytest

from autopack import create_log


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No importer may reach the network, nor look anything up."""

    def refused(*_given: Any, **_named: Any) -> Any:
        raise AssertionError("an importer reached for the network")

    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


@pytest.fixture
def log() -> Any:
    """An empty log."""
    with create_log("memory:") as made:
        yield made
