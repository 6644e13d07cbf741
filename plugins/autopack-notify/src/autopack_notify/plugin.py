"""What the entry point finds: one observer, which is quiet unless a webhook is named."""

import os
from typing import Any

from autopack import hookimpl


@hookimpl
def autopack_drain_stopped(report: Any) -> None:
    """Post the report to ``AUTOPACK_NOTIFY_URL``, if that is set."""
    if os.environ.get("AUTOPACK_NOTIFY_URL", "").strip():
        from autopack_notify.environment import webhook_of

        webhook = webhook_of(os.environ)
        if webhook is not None:
            webhook.send(report)
