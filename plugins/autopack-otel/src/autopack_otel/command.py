"""``autopack otel send``: a log's spans to a receiver, from its history."""

import logging
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from autopack.cli.output import say
from autopack.cli.session import ReadingCommand, Session

if TYPE_CHECKING:
    from autopack import Log

_BATCH: Final = 512
_PATH: Final = "/v1/traces"
_SDK: Final = "opentelemetry"


@click.group()
def otel() -> None:
    """Send a log's spans to an OpenTelemetry receiver."""


@otel.command(
    cls=ReadingCommand,
    epilog="\b\nExample:\n  autopack --log work.db otel send --endpoint http://HOST:4318",
)
@click.option(
    "--endpoint",
    metavar="URL",
    help="Where to, as http://HOST:4318; else as OTEL_EXPORTER_OTLP_ENDPOINT says.",
)
@click.pass_obj
def send(session: Session, endpoint: str | None) -> None:
    """Send every span of the log; what was sent before has the same ids."""
    import os

    from autopack_otel.environment import is_asked

    if not endpoint and not is_asked(os.environ, "TRACES"):
        raise click.UsageError(
            "No receiver is named: give --endpoint URL, or set OTEL_EXPORTER_OTLP_ENDPOINT."
        )
    url, said = None if not endpoint else _url(endpoint), _Said()
    logging.getLogger(_SDK).addHandler(said)
    try:
        with session.open_log() as log:
            sent, lost = _sent(log, url)
    finally:
        logging.getLogger(_SDK).removeHandler(said)
    say(f"Sent {sent} spans" + (f"; {lost} did not arrive" if lost else ""))
    if lost:
        say(f"Of the first that did not: {said.first or 'no reason was told'}", err=True)
        raise SystemExit(1)


class _Said(logging.Handler):
    """Keeps what the SDK said first: why a batch did not arrive; later it only gives up."""

    first = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.first = self.first or record.getMessage().strip()


def _url(endpoint: str) -> str:
    """Return a receiver's address; one without a path gets that of spans."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter(
            f"{endpoint!r} is no address: give one as http://127.0.0.1:4318.",
            param_hint="--endpoint",
        )
    return parts._replace(path=_PATH).geturl() if parts.path in ("", "/") else endpoint


def _sent(log: "Log", endpoint: str | None) -> tuple[int, int]:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    from autopack.log.log import journal_of
    from autopack_otel.otlp_json import spans_of
    from autopack_otel.sdk_spans import resource, sdk_span

    exporter, sender = OTLPSpanExporter(endpoint=endpoint), resource()
    events = partial(log.read_all, until=log.head().position)
    found = spans_of(journal_of(log).backend.identity.origin_id, events)
    spans = (sdk_span(span, sender) for span in found)
    sent = lost = 0
    while batch := list(islice(spans, _BATCH)):
        if exporter.export(batch) is SpanExportResult.SUCCESS:
            sent += len(batch)
            continue
        lost = len(batch) + sum(1 for _ in spans)  # who is not there is not asked again
    exporter.shutdown()  # type: ignore[no-untyped-call]
    return sent, lost
