"""What the entry point finds: observers, quiet unless somebody is named, and who sends reports."""

import os
from typing import TYPE_CHECKING, Any

from autopack import hookimpl

if TYPE_CHECKING:
    from autopack import DrainReport, Recorded
    from autopack_notify.sender import Sender


@hookimpl
def autopack_drain_stopped(report: "DrainReport") -> None:
    """Tell ``AUTOPACK_NOTIFY_URL`` of the report, if that is set."""
    if (sender := _sender()) is not None:
        sender.send(report)


@hookimpl
def autopack_event_recorded(recorded: "Recorded[Any]") -> None:
    """Tell it that a phase waits for a decision; other events are not told."""
    if recorded.type == "phase.gated" and (sender := _sender()) is not None:
        sender.autopack_event_recorded(recorded)


@hookimpl
def autopack_send_report(address: str, title: str, text: str, page: str) -> bool | None:
    """Send a report to a URL, a topic of ntfy or a mail address."""
    from autopack_notify.addresses import sender_of
    from autopack_notify.environment import settings_of
    from autopack_notify.messages import report_message

    sender = sender_of(address, os.environ, **settings_of(os.environ))
    return None if sender is None else sender.tell(report_message(title, text, page))


def _sender() -> "Sender | None":
    if not os.environ.get("AUTOPACK_NOTIFY_URL", "").strip():
        return None
    from autopack_notify.environment import told_by_environment

    return told_by_environment(os.environ)
