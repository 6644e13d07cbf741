"""A model provider on loopback for tests of executors: each request gets what the test says."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs

CUT = object()
"""In place of an event: the connection is closed here, and what was to follow is missing."""

HANG = object()
"""In place of an event: nothing follows, until the other side hangs up."""
ARRIVES_S = 2.0
"""A deadline before which what was streamed has arrived, also where the machine is busy."""


@attrs.frozen
class Asked:
    """A request, as it came; names of headers in lower case."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    number: int


@attrs.frozen
class Reply:
    """
    A reply: *events* are streamed, each a JSON value, a text as it stands, CUT or HANG.

    A float is a pause of so many seconds; what was streamed before it has arrived by then.
    """

    status: int = 200
    headers: Mapping[str, str] = attrs.Factory(dict)
    body: Any = None
    events: Sequence[Any] | None = None


class Provider:
    """A server that keeps what it was asked, in order."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self.answer, self.asked, self.is_over = answer, [], threading.Event()
        self._lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def take(self, path: str, headers: Mapping[str, str], body: Any) -> Reply:
        """Keep a request, and return what it is answered with."""
        with self._lock:
            asked = Asked(path, headers, body, len(self.asked))
            self.asked.append(asked)
            return self.answer(asked)

    def _handler(provider) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def log_message(self, *_words: Any) -> None:
                """Say nothing."""

            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size) or b"null")
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = provider.take(self.path, headers, body)
                self.close_connection = True
                try:
                    self._send(reply)
                except OSError:
                    return  # the other side hung up

            def _send(self, reply: Reply) -> None:
                if reply.events is not None and reply.events[0] is CUT:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                is_stream = reply.events is not None
                data = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
                self.send_response(reply.status)
                kind = "text/event-stream" if is_stream else "application/json"
                self.send_header("Content-Type", kind)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if not is_stream:
                    self.send_header("Content-Length", str(len(data.encode())))
                    self.end_headers()
                    self.wfile.write(data.encode())
                    return
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for event in reply.events or ():
                    if event is CUT:
                        self.wfile.flush()
                        self.connection.shutdown(socket.SHUT_RDWR)
                        return
                    if event is HANG:
                        self.wfile.flush()
                        self._wait()
                        return
                    if isinstance(event, float):
                        self.wfile.flush()
                        time.sleep(event)
                        continue
                    self._chunk(event if isinstance(event, str) else as_event(event))
                self.wfile.write(b"0\r\n\r\n")

            def _chunk(self, text: str) -> None:
                data = text.encode()
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

            def _wait(self) -> None:
                """Wait until the other side hangs up, or the test is over."""
                self.connection.settimeout(0.05)
                while not provider.is_over.is_set():
                    try:
                        if not self.connection.recv(1):
                            return
                    except TimeoutError:
                        time.sleep(0.01)

        return Handler


def as_event(event: Any) -> str:
    """Return a server-sent event; one with a ``type`` is named by it, as Anthropic does."""
    name = event.get("type") if isinstance(event, Mapping) else None
    head = f"event: {name}\n" if isinstance(name, str) else ""
    return f"{head}data: {json.dumps(event)}\n\n"


@contextmanager
def serving(answer: Callable[[Asked], Reply]) -> Iterator[Provider]:
    """Serve on loopback for the length of the block."""
    provider = Provider(answer)
    thread = threading.Thread(target=provider.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.is_over.set()
        provider.server.shutdown()
        provider.server.server_close()
        thread.join()
