"""A drain at work in a process of its own: heard, shown, and told of in the end."""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Final

from autopack.cli.event_lines import EventLines
from autopack.cli.forced_exit import LastResort
from autopack.cli.output import print_json_line, say, users_prints
from autopack.cli.signals import stopping

_TEACHING: Final = frozenset({"calibrator", "estimator", "max_samples"})


def work(
    log: Any,
    settings: dict[str, Any],
    last: LastResort,
    *,
    as_json: bool,
    grace_s: float | None = None,
    begin: Callable[[], object] | None = None,
) -> Any:
    """
    Drain, with progress on stderr, until it ends or signals end it; return its report.

    Args:
        grace_s: How long what is in work may go on after the first signal; None is to its end.
        begin: Called first, once the settings are known to be right.
    """
    from autopack.cli.progress import DrainProgress
    from autopack.draining.engine.engine import Drain

    tell_promise(settings)
    lines = EventLines() if as_json else nullcontext(None)
    may_draw = not (as_json and sys.stdout.isatty())  # two that write to one terminal
    shown = DrainProgress(may_draw=may_draw)
    with lines as print_line, shown as progress, users_prints():
        progress.also = print_line
        progress.when_idle = None if print_line is None else print_line.idle
        engine = progress.engine = Drain(log, **settings, on_event=progress)
        if begin is not None:
            begin()
        with stopping(engine, last, grace_s=grace_s):
            return engine.run()


def tell(report: Any, command: str, settings: dict[str, Any], *, as_json: bool) -> None:
    """Print what a drain came to; *command* is how ``autopack`` was called."""
    if as_json:
        print_json_line(report)
        return
    from autopack.report.drain_text import drain_text

    say(drain_text(report, command, with_samples=not _TEACHING.isdisjoint(settings)))


def tell_promise(settings: dict[str, Any]) -> None:
    """Say on stderr what a cap in USD promises where prices are unknown."""
    from autopack.draining.caps.price_book import promise_of

    promise = promise_of(
        allow_unknown_price=settings.get("allow_unknown_price", False),
        assume_usd_per_call=settings.get("assume_usd_per_call"),
    )
    if promise is not None:
        say(f"Note: {promise}.", err=True)
