"""Whoever reaches for the network is refused, and found; this machine is not the network."""

import asyncio
import socket
import subprocess
import sys
import threading
from contextlib import suppress

import pytest
from tests.network import REACHED, is_here, watched

from autopack import load_plugins

ELSEWHERE = "192.0.2.1"


def ask(host):
    """Connect as most clients do."""
    socket.create_connection((host, 9), timeout=1)


def look_up(host):
    """Look a name up."""
    socket.getaddrinfo(host, 80)


def connect(host):
    """Connect without a name, as servers of names are asked."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.connect((host, 53))


def connect_ex(host):
    """Connect, with a code for an answer."""
    with socket.socket() as plain:
        plain.connect_ex((host, 9))


def loop(host):
    """Connect from an event loop, which looks names up in a thread."""
    asyncio.run(asyncio.open_connection(host, 9))


@pytest.mark.parametrize("reach", [ask, look_up, connect, connect_ex, loop])
@pytest.mark.parametrize("where", ["in the test", "in a thread", "and caught"])
def test_who_reaches_for_the_network_is_found(reach, where):
    """Wherever it is done, and whoever takes the refusal for a fault of the other side."""
    watch = watched()
    next(watch)

    def reached():
        with pytest.raises(AssertionError, match="reached for the network"):
            reach(ELSEWHERE)

    if where == "in a thread":
        thread = threading.Thread(target=reached)
        thread.start()
        thread.join()
    elif where == "and caught":
        with suppress(Exception, AssertionError):
            reach(ELSEWHERE)
    else:
        reached()
    with pytest.raises(AssertionError, match=ELSEWHERE):
        next(watch)
    REACHED.clear()  # it was this test's own


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *[(host, True) for host in ("127.0.0.1", "127.8.9.1", "::1", "localhost", b"", None)],
        *[(host, False) for host in ("example.org", "10.0.0.1", "::2", "localhost.example.org")],
    ],
)
def test_this_machine_is_here(host, expected):
    """And no other, however near."""
    assert expected == is_here(host)


def test_importing_reaches_for_nobody():
    """Each module of each plugin, where no socket can be made and no name looked up."""
    ours = {info.distribution for info in load_plugins().infos} - {"autopack"}
    code = """
import importlib, pkgutil, socket, sys

def refused(*given, **named):
    raise AssertionError("an import reached for the network")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refused
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(found.name)
        print(found.name)
"""
    packages = sorted(name.replace("-", "_") for name in ours)
    done = subprocess.run(
        [sys.executable, "-c", code, *packages], capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert {"autopack_histories.codex", "autopack_openai.chat", "autopack_llm.told"} <= {
        *done.stdout.split()
    }
