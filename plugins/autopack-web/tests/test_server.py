"""The server is told once it can be opened, and says where nothing can listen."""

import socket
import threading
from urllib.request import urlopen

import pytest
import uvicorn

from autopack.errors import InvalidInputError
from autopack_web import create_app
from autopack_web.server import listen


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_address_that_is_told_answers(kept_log, host, monkeypatch):
    """On any port that is free; a page comes at once."""
    servers, told, answers = [], [], []
    run = uvicorn.Server.run

    def running(server, sockets):
        servers.append(server)
        run(server, sockets)

    monkeypatch.setattr(uvicorn.Server, "run", running)

    def ask(address):
        told.append(address)
        threading.Thread(target=read, args=(address,)).start()

    def read(address):
        with urlopen(address, timeout=20) as answer:
            answers.append(answer.status)
        servers[0].should_exit = True

    listen(create_app(kept_log), host=host, port=0, told=ask)

    assert told[0].startswith(f"http://{host}:")
    assert answers == [200]


def test_a_page_that_listens_is_no_hindrance_to_stopping(kept_log, monkeypatch, capsys):
    """Its stream ends in order, however seldom it is told; nothing is broken off, no fault said."""
    servers, ended = [], []
    run = uvicorn.Server.run

    def running(server, sockets):
        servers.append(server)
        run(server, sockets)

    def ask(address):
        threading.Thread(target=listening, args=(f"{address}events?after=0&apart=600",)).start()

    def listening(address):
        with urlopen(address, timeout=20) as answer:
            while b"event: news" not in answer.readline():
                pass
            servers[0].should_exit = True
            ended.append(answer.read())

    monkeypatch.setattr(uvicorn.Server, "run", running)
    listen(create_app(kept_log), host="127.0.0.1", port=0, told=ask)

    assert len(ended) == 1
    assert "" == capsys.readouterr().err


def test_a_port_that_is_taken_is_refused(kept_log):
    """Before anything is told."""
    told = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInputError, match=f"port {port}: .*in use"):
            listen(create_app(kept_log), host="127.0.0.1", port=port, told=told.append)

    assert told == []
