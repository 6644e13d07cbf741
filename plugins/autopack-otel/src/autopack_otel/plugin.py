"""What the entry point finds: an exporter, a command, and observers that are quiet unless asked."""

import atexit
import os
from typing import TYPE_CHECKING, Any

from autopack.plugins.hookspecs import Register, hookimpl

if TYPE_CHECKING:
    from autopack import DrainReport, Log, Recorded
    from autopack_otel.live import Live

_live: "dict[int, Live]" = {}
"""By log: what its process sends."""


@hookimpl
def autopack_register_exporters(register: Register) -> None:
    """Register ``otlp``."""
    from autopack_otel.otlp_json import OtlpLines

    register("otlp", OtlpLines())


@hookimpl
def autopack_register_commands(register: Register) -> None:
    """Register ``otel``."""
    from autopack_otel.command import otel

    register("otel", otel)


@hookimpl
def autopack_event_recorded(recorded: "Recorded[Any]", log: "Log") -> None:
    """Send the spans that end with an event, where OpenTelemetry's variables ask for it."""
    sender = _live.get(id(log))
    if sender is None and recorded.type == "phase.claimed" and _is_on():
        from autopack_otel.live import Live

        if not _live:
            atexit.unregister(_end_all)
            atexit.register(_end_all)  # for who takes phases without a drain
        sender = _live[id(log)] = Live(log)
    if sender is not None:
        sender.take(recorded)


@hookimpl
def autopack_drain_stopped(report: "DrainReport") -> None:
    """Send what is left, and say what did not arrive."""
    for key, sender in list(_live.items()):
        if report.drain_id in sender.drains:
            _live.pop(key, sender).end()


def _end_all() -> None:
    while _live:
        _live.popitem()[1].end()


def _is_on() -> bool:
    from autopack_otel.environment import is_asked

    return is_asked(os.environ, "TRACES") or is_asked(os.environ, "METRICS")
