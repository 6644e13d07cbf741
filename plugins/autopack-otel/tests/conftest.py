"""A receiver of OTLP on loopback, which decodes what it gets; nothing else is reached."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Receiver:
    """What arrived, as protobuf messages."""

    def __init__(self):
        self.traces, self.metrics, self.answer = [], [], 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.answer == 200 and self.path == "/v1/traces":
                    outer.traces.append(ExportTraceServiceRequest.FromString(body))
                elif outer.answer == 200:
                    outer.metrics.append(ExportMetricsServiceRequest.FromString(body))
                self.send_response(outer.answer)
                self.end_headers()

            def log_message(self, *_given):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def spans(self):
        return [
            span
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def write(self, path):
        """Write what arrived as OTLP JSON, as a collector does: ids in hexadecimal digits."""
        with path.open("w", encoding="utf-8") as file:
            for request in self.traces:
                told = MessageToDict(request)
                spans = [
                    span
                    for resource in told["resourceSpans"]
                    for scope in resource["scopeSpans"]
                    for span in scope["spans"]
                ]
                for span, message in zip(spans, spans_of(request), strict=True):
                    span["traceId"], span["spanId"] = (
                        message.trace_id.hex(),
                        message.span_id.hex(),
                    )
                file.write(json.dumps(told) + "\n")
        return path


def spans_of(request):
    return [
        span
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@pytest.fixture
def receiver(monkeypatch):
    """A receiver that the environment names."""
    made = Receiver()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def _nothing_is_named(monkeypatch):
    """Nobody's variables are taken over."""
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)
