"""What a shell may complete: the runs of the log that is named."""

import os
from typing import Any

import click


def complete_runs(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[Any]:
    """Return the runs whose ids begin so; none where no log can be read."""
    from click.shell_completion import CompletionItem

    from autopack.errors import AutopackError

    target = ctx.find_root().params.get("log_target") or os.environ.get("AUTOPACK_LOG")
    if not target:
        return []
    import autopack as api
    from autopack.cli.session import absolute_target

    try:
        with api.open_log(absolute_target(target)) as log:
            runs = list(api.view(log, "runs").rows)
    except (AutopackError, OSError):
        return []
    return [CompletionItem(run) for run in runs if run.startswith(begun)]
