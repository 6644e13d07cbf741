"""From spans to a receiver: the SDK's bounded queue and its exporter, and what did not arrive."""

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from autopack_otel.environment import is_asked
from autopack_otel.metrics import CallMetrics
from autopack_otel.sdk_spans import resource, sdk_span
from autopack_otel.spans import Span

END_S: Final = 10.0
"""How long the end of a drain waits for what is on its way."""

# The SDK logs each batch that fails; here what did not arrive is told once, with its count.
logging.getLogger("opentelemetry").addHandler(logging.NullHandler())


class CountingExporter(SpanExporter):
    """Hands spans on, and counts those that a receiver took."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter, self.taken = exporter, 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; what its exporter cannot is not taken."""
        found = self._exporter.export(spans)
        if found is SpanExportResult.SUCCESS:
            self.taken += len(spans)
        return found

    def shutdown(self) -> None:
        """End the exporter, and a try that waits."""
        self._exporter.shutdown()


class Pipeline:
    """
    What one drain sends: spans through a queue that is bounded, and figures of calls.

    Whoever puts something in never waits. A queue that is full loses its oldest spans.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._resource, self.given = resource(), 0
        self._counted: CountingExporter | None = None
        self._processor: BatchSpanProcessor | None = None
        if is_asked(environ, "TRACES"):
            self._counted = CountingExporter(OTLPSpanExporter())
            self._processor = BatchSpanProcessor(self._counted)
        has_metrics = is_asked(environ, "METRICS")
        self._metrics = CallMetrics(self._resource) if has_metrics else None

    def put(self, span: Span) -> None:
        """Take a span; it is sent some time later."""
        if self._metrics is not None:
            self._metrics.add(span)
        if self._processor is not None:
            self.given += 1
            self._processor.on_end(sdk_span(span, self._resource))

    def end(self, within_s: float = END_S) -> int:
        """Send what is left, for so long at most; return how many spans did not arrive."""
        ending = threading.Thread(target=self._shut, daemon=True, name="autopack-otel-end")
        ending.start()
        ending.join(within_s)
        if ending.is_alive() and self._counted is not None:
            self._counted.shutdown()
        return 0 if self._counted is None else self.given - self._counted.taken

    def _shut(self) -> None:
        if self._processor is not None:
            self._processor.shutdown()  # type: ignore[no-untyped-call]
        if self._metrics is not None:
            self._metrics.end()
