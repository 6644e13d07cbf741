"""OpenAI's files and batches on loopback: kept as they are asked for, answered as the test says."""

import json
import threading
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Batches:
    """A provider of batches; ``over`` says that all are answered, ``line`` makes each answer."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.batches: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.over, self.status = True, "completed"
        self.refusals: list[tuple[int, dict[str, str]]] = []
        self.fault_after_create = False
        self.line, self.when_created = answered, lambda: None
        self.lock = threading.Lock()

    def lines(self, batch: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a batch's requests."""
        text = self.files[batch["input_file_id"]].decode()
        return [json.loads(line) for line in text.splitlines()]

    def take(self, method: str, path: str, kind: str, body: bytes) -> tuple[int, Any, dict]:
        """Answer a request."""
        with self.lock:
            self.asked.append(f"{method} {path.partition('?')[0]}")
            if method == "POST" and path == "/v1/files":
                file_id = f"file-{len(self.files)}"
                self.files[file_id] = uploaded(kind, body)
                told = {"id": file_id, "object": "file", "bytes": 1, "created_at": 1}
                return 200, {**told, "filename": "x", "purpose": "batch", "status": "processed"}, {}
            if method == "POST":
                return self._created(json.loads(body))
            if self.refusals:
                status, headers = self.refusals.pop(0)
                error = {"message": "not now", "type": "x", "code": None, "param": None}
                return status, {"error": error}, headers
            if path.startswith("/v1/batches?") or path == "/v1/batches":
                data = [self._shown(one) for one in reversed(self.batches)]
                return 200, {"object": "list", "data": data, "has_more": False}, {}
            if path.startswith("/v1/batches/"):
                (found,) = [one for one in self.batches if path.endswith(one["id"])]
                return 200, self._shown(found), {}
            return 200, self.files[path.split("/")[3]], {}

    def _created(self, told: dict[str, Any]) -> tuple[int, Any, dict]:
        batch = {
            "id": f"batch_{len(self.batches)}", "object": "batch", "created_at": 4_000_000_000,
            **told,
        }  # fmt: skip
        self.batches.append(batch)
        self.when_created()
        if self.fault_after_create:
            return 500, {"error": {"message": "lost"}}, {}
        return 200, self._shown(batch), {}

    def _shown(self, batch: dict[str, Any]) -> dict[str, Any]:
        if not self.over:
            return {**batch, "status": "in_progress"}
        name = f"out-{batch['id']}"
        if name not in self.files:
            lines = [line for one in self.lines(batch) if (line := self.line(one)) is not None]
            texts = [one if isinstance(one, str) else json.dumps(one) for one in lines]
            self.files[name] = "\n".join(texts).encode()
        errors = {"object": "list", "data": [{"code": "invalid_json_line", "message": "bad line"}]}
        more = {"errors": errors} if self.status == "failed" else {"output_file_id": name}
        return {**batch, "status": self.status, **more}


def answered(request, *, text="Hello", given=7, written=5, reason="stop", **more):
    """Return a line with an answer."""
    usage = {"prompt_tokens": given, "completion_tokens": written, "total_tokens": given + written}
    message = {"role": "assistant", "content": text}
    body = {
        "id": f"chatcmpl-{request['custom_id']}", "object": "chat.completion", "model": "m-1",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": usage,
        **more,
    }  # fmt: skip
    response = {"status_code": 200, "request_id": "r", "body": body}
    return {"id": "x", "custom_id": request["custom_id"], "response": response, "error": None}


def uploaded(kind: str, body: bytes) -> bytes:
    """Return the file of a form."""
    form = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    (found,) = [part for part in form.get_payload() if part.get_filename()]
    return found.get_payload(decode=True)


@contextmanager
def batching(provider=None):
    """Serve batches on loopback for the length of the block."""
    provider = provider or Batches()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_words):
            """Say nothing."""

        def _answer(self):
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size)
            kind = self.headers.get("Content-Type") or ""
            status, told, headers = provider.take(self.command, self.path, kind, body)
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
