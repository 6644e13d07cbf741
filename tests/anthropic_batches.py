"""Anthropic's message batches on loopback: kept as they are asked for, answered as a test says."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Batches:
    """A provider of message batches; ``over`` says that all have ended, ``line`` makes results."""

    def __init__(self) -> None:
        self.batches: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.over, self.fault_after_create = True, False
        self.refusals: list[tuple[int, dict[str, str]]] = []
        self.line, self.url, self.lock = answered, "", threading.Lock()

    def take(self, method: str, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        """Answer a request."""
        with self.lock:
            path = path.partition("?")[0]
            self.asked.append(f"{method} {path}")
            if method == "POST":
                batch = {"id": f"msgbatch_{len(self.batches)}", **json.loads(body)}
                self.batches.append(batch)
                if self.fault_after_create:
                    return refused(500)
                return 200, self._shown(batch), {}
            if self.refusals:
                status, headers = self.refusals.pop(0)
                return (*refused(status)[:2], headers)
            if path == "/v1/messages/batches":
                data = [self._shown(one) for one in reversed(self.batches)]
                return 200, {"data": data, "has_more": False, "first_id": None, "last_id": None}, {}
            batch_id = path.split("/")[4]
            (found,) = [one for one in self.batches if one["id"] == batch_id]
            if not path.endswith("/results"):
                return 200, self._shown(found), {}
            lines = [self.line(one) for one in found["requests"]]
            texts = [one if isinstance(one, str) else json.dumps(one) for one in lines if one]
            return 200, "\n".join(texts).encode(), {}

    def _shown(self, batch: dict[str, Any]) -> dict[str, Any]:
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        results = f"{self.url}/v1/messages/batches/{batch['id']}/results"
        return {
            "id": batch["id"], "type": "message_batch", "request_counts": counts,
            "processing_status": "ended" if self.over else "in_progress",
            "created_at": "2096-01-01T00:00:00Z", "expires_at": "2096-01-02T00:00:00Z",
            "ended_at": "2096-01-01T00:00:00Z" if self.over else None, "archived_at": None,
            "cancel_initiated_at": None, "results_url": results if self.over else None,
        }  # fmt: skip


def refused(status: int) -> tuple[int, Any, dict[str, str]]:
    """Return an error."""
    return status, {"type": "error", "error": {"type": "api_error", "message": "not now"}}, {}


def answered(request, *, given=7, written=5, **more):
    """Return a result with a message."""
    message = {
        "id": f"msg_{request['custom_id']}", "type": "message", "role": "assistant", "model": "m-1",
        "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn",
        "stop_sequence": None, "usage": {"input_tokens": given, "output_tokens": written}, **more,
    }  # fmt: skip
    return ended(request, "succeeded", message=message)


def ended(request, kind, **more):
    """Return a result of a kind."""
    return {"custom_id": request["custom_id"], "result": {"type": kind, **more}}


@contextmanager
def batching():
    """Serve batches on loopback for the length of the block."""
    provider = Batches()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_words):
            """Say nothing."""

        def _answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, told, headers = provider.take(self.command, self.path, body)
            data = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _answer

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
