"""Whether anything is sent, from OpenTelemetry's own variables."""

from collections.abc import Mapping
from typing import Final, Literal

Signal = Literal["TRACES", "METRICS"]

_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PROTOCOLS: Final = ("", "http/protobuf")


def is_asked(environ: Mapping[str, str], signal: Signal) -> bool:
    """
    Tell whether a signal is to be sent: an endpoint is named for it, and nothing turns it off.

    Nothing is sent to the SDK's own default, a collector on this machine, unless
    ``OTEL_TRACES_EXPORTER`` (or ``OTEL_METRICS_EXPORTER``) says ``otlp``.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    named = environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower()
    if named:
        return named == "otlp"
    ours = f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"
    return bool(environ.get(ours, "").strip() or environ.get(_ENDPOINT, "").strip())


def other_protocol(environ: Mapping[str, str], signal: Signal) -> str | None:
    """Return a protocol that is asked for and not spoken here; None if it is ``http/protobuf``."""
    own = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "").strip()
    named = own or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip()
    return None if named in _PROTOCOLS else named
