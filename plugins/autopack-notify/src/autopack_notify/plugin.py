"""What the entry point finds: two observers, which are quiet unless a webhook is named."""

import os
from typing import Any

from autopack import hookimpl


@hookimpl
def autopack_drain_stopped(report: Any) -> None:
    """Post the report to ``AUTOPACK_NOTIFY_URL``, if that is set."""
    if (webhook := _webhook()) is not None:
        webhook.send(report)


@hookimpl
def autopack_event_recorded(recorded: Any) -> None:
    """Post to it that a phase waits for a decision; other events are not told."""
    if recorded.type == "phase.gated" and (webhook := _webhook()) is not None:
        webhook.autopack_event_recorded(recorded)


def _webhook() -> Any:
    if not os.environ.get("AUTOPACK_NOTIFY_URL", "").strip():
        return None
    from autopack_notify.environment import webhook_of

    return webhook_of(os.environ)
