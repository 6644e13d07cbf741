"""Servers on this machine that answer as they are told, and reports of drains."""

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest

import autopack
from autopack import Completed, PhaseSpec

Answer = int | Callable[[BaseHTTPRequestHandler], None]


@attrs.define
class Receiver:
    """Answers request by request from *answers*, the last one for all that follow."""

    port: int
    answers: list[Answer]
    got: list[dict[str, Any]] = attrs.Factory(list)
    leave: threading.Event = attrs.Factory(threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use no proxy, and no settings from outside."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("URL", "HEADER", "TIMEOUT_S", "RETRIES", "SMTP"):
        monkeypatch.delenv(f"AUTOPACK_NOTIFY_{name}", raising=False)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real server on a free port of this machine."""
    told = Receiver(port=0, answers=[204])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.got.append({"path": self.path, "headers": self.headers, "body": json.loads(body)})
            answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            if callable(answer):
                answer(self)
                return
            self.send_response(answer)
            if 300 <= answer < 400:
                self.send_header("Location", f"http://127.0.0.1:{told.port}/elsewhere")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_given: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    told.leave.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def absent_url() -> str:
    """A URL on this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return f"http://127.0.0.1:{port}/hook"


@pytest.fixture
def report(tmp_path: Any) -> Any:
    """The report of a real drain of one phase."""
    with autopack.create_log(tmp_path / "report.db") as log:
        autopack.create_run(log, "r", [PhaseSpec("p1", category="docs", complexity="low")])
        return autopack.drain(log, executor=lambda phase, attempt: Completed())


@attrs.define
class MailServer:
    """What a mail server on this machine was told; *refuses* says what it answers to a command."""

    port: int
    refuses: dict[str, str] = attrs.Factory(dict)
    said: list[str] = attrs.Factory(list)
    letters: list[str] = attrs.Factory(list)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A real server that speaks as much of SMTP as it needs to take a mail."""
    told = MailServer(port=0)

    class Handler(socketserver.StreamRequestHandler):
        def answer(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def line(self) -> str:
            return self.rfile.readline().decode().rstrip("\r\n")

        def handle(self) -> None:
            self.answer("220 here")
            while line := self.line():
                told.said.append(line)
                word = line.split()[0].upper()
                if refusal := told.refuses.get(word):
                    self.answer(refusal)
                elif word == "EHLO":
                    self.answer("250-here")
                    self.answer("250 AUTH PLAIN")
                elif word == "DATA":
                    self.answer("354 go on")
                    lines = []
                    while (part := self.line()) != ".":
                        lines.append(part)
                    told.letters.append("\n".join(lines))
                    self.answer("250 taken")
                elif word == "AUTH":
                    self.answer("235 welcome")
                elif word == "QUIT":
                    self.answer("221 bye")
                    return
                else:
                    self.answer("250 well")

    server = socketserver.ThreadingTCPServer(("0.0.0.0", 0), Handler)
    server.daemon_threads = True
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join()
