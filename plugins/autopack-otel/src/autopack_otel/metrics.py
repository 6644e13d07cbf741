"""The figures of calls as metrics, by the conventions for generative AI."""

from typing import Final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from autopack_otel.spans import Span

_BY: Final = (
    "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model",
    "gen_ai.response.model",
)  # fmt: skip
_TYPES: Final = {"input": "gen_ai.usage.input_tokens", "output": "gen_ai.usage.output_tokens"}
_TOKENS: Final = [4.0**n for n in range(14)]
_SECONDS: Final = [0.01 * 2**n for n in range(14)]


class CallMetrics:
    """``gen_ai.client.token.usage`` and ``gen_ai.client.operation.duration``, sent now and then."""

    def __init__(self, sender: Resource) -> None:
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        self._provider = MeterProvider([reader], resource=sender, shutdown_on_exit=False)
        meter = self._provider.get_meter("autopack")
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens of a call.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._seconds = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "How long a call took.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )

    def add(self, span: Span) -> None:
        """Count a call once, at its end: what is amended later, or not known, is not counted."""
        told = span.attributes
        if span.kind != "client" or span.is_again:
            return
        by = {name: told[name] for name in _BY if name in told}
        for kind, name in _TYPES.items():
            if isinstance(tokens := told.get(name), int):
                self._tokens.record(tokens, {**by, "gen_ai.token.type": kind})
        if span.end_us > span.start_us:
            self._seconds.record((span.end_us - span.start_us) / 1e6, by)

    def end(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
