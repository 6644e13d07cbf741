"""Calls whose figures are a session's running sum: what of it is new, once the log was asked."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import attrs

from autopack.draining.attempts.read_figures import Figures
from autopack.draining.executors.token_figures import begins_anew, beyond, is_nothing, total
from autopack.ports.attempt import SessionUse

Recall = Callable[[str], SessionUse]
"""What the log has of a session, by its id."""

Tell = Callable[[str], None]
"""Takes what is wrong with usage, in words."""


class LaterCalls(Protocol):
    """Calls that cost a look at the log or a file; the thread that records them asks."""

    def calls(self, recall: Recall, tell: Tell) -> list[dict[str, Any]]:
        """Return the figures of the calls, each as ``record_usage`` takes them."""


@attrs.frozen(kw_only=True)
class Surroundings:
    """Where a program runs: its variables, its folder, and what it is to write there."""

    env: Mapping[str, str] = attrs.Factory(dict)
    cwd: Path | None = None
    deliverables: tuple[str, ...] = ()

    def folder(self, variable: str, name: str) -> Path | None:
        """Return the folder of a client that a variable names, else the one in the user's home."""
        if named := self.env.get(variable):
            return Path(named)
        home = self.env.get("HOME")
        return Path(home) / name if home else None

    def missing(self) -> list[str]:
        """Return what was to be written and is not there; a pattern wants one file at least."""
        cwd = self.cwd or Path.cwd()
        return [name for name in self.deliverables if not _is_there(cwd, name)]


NOWHERE = Surroundings()


@attrs.frozen(kw_only=True)
class SessionTotals:
    """
    The first sums that a process told of its session, which may have begun in another process.

    Args:
        figures: The sums by model.
        turn: What the result says of this process alone; empty if it does not tell.
        call: Makes a call of a model and its figures.
        seen_tokens: The input of the messages that this process is known to have sent.
    """

    session_id: str
    figures: Mapping[str, Figures]
    turn: Figures
    call: Callable[[str, Figures], dict[str, Any]]
    seen_tokens: int = 0

    def calls(self, recall: Recall, tell: Tell) -> list[dict[str, Any]]:
        """Return what is beyond the log's sums, if these go on from there; else all of it."""
        del tell
        before = recall(self.session_id)
        goes_on = bool(before) and self._goes_on(before)
        new = {
            model: beyond(figures, before.get(model, {})) if goes_on else figures
            for model, figures in self.figures.items()
        }
        return [
            self.call(model, figures) for model, figures in new.items() if not is_nothing(figures)
        ]

    def _goes_on(self, before: SessionUse) -> bool:
        """Tell whether the sums hold both what is recorded and this process's own turn."""
        if any(begins_anew(self.figures.get(model, {}), used) for model, used in before.items()):
            return False
        now = sum(total(figures) or 0 for figures in self.figures.values())
        recorded = sum(total(used) or 0 for used in before.values())
        inputs = sum(figures.get("input_tokens") or 0 for figures in self.figures.values())
        known = sum(used.get("input_tokens") or 0 for used in before.values())
        is_room = inputs - known >= self.seen_tokens
        return is_room and now - recorded >= (total(self.turn) or 0)


def _is_there(cwd: Path, name: str) -> bool:
    if set("*?[") & set(name):
        try:
            return next(cwd.glob(name), None) is not None
        except (ValueError, NotImplementedError, OSError):
            return False
    try:
        return (cwd / name).exists()
    except (ValueError, OSError):  # no name of a file
        return False
