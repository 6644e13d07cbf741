"""What the entry point finds: two observers, which are quiet unless a webhook is named."""

import os
from typing import TYPE_CHECKING, Any

from autopack import hookimpl

if TYPE_CHECKING:
    from autopack import DrainReport, Recorded
    from autopack_notify.webhook import Webhook


@hookimpl
def autopack_drain_stopped(report: "DrainReport") -> None:
    """Post the report to ``AUTOPACK_NOTIFY_URL``, if that is set."""
    if (webhook := _webhook()) is not None:
        webhook.send(report)


@hookimpl
def autopack_event_recorded(recorded: "Recorded[Any]") -> None:
    """Post to it that a phase waits for a decision; other events are not told."""
    if recorded.type == "phase.gated" and (webhook := _webhook()) is not None:
        webhook.autopack_event_recorded(recorded)


def _webhook() -> "Webhook | None":
    if not os.environ.get("AUTOPACK_NOTIFY_URL", "").strip():
        return None
    from autopack_notify.environment import webhook_of

    return webhook_of(os.environ)
