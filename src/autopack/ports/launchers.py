"""Launchers: they start workers on an engine, ask it what runs, and keep nothing themselves."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol, TypeAlias

import attrs

_PREFIX: Final = "autopack"
_DIGITS: Final = 8


def workers_of(log_id: str) -> str:
    """Return how the names of all workers of a log begin."""
    return f"{_PREFIX}-{log_id}-".lower()


@attrs.frozen(kw_only=True)
class WorkerOrder:
    """
    What workers that are all alike are started with.

    Args:
        log_id: Of the log that they work on.
        command: The program and its arguments, whole: no shell reads them.
        drain: Which drain they join.
        offers: What the machine of each must have, by name: an amount, as ``{"gpu": 1}``, or a list
            of words, as ``{"label": ["eu"]}``. The command says it too.
    """

    log_id: str
    command: tuple[str, ...]
    drain: str = ""
    offers: Mapping[str, Any] = attrs.Factory(dict)

    @property
    def group(self) -> str:
        """How the names begin of all workers that join the drain, whatever they offer."""
        return f"{workers_of(self.log_id)}{_digest(self.drain)}-"

    @property
    def offered(self) -> tuple[tuple[str, str], ...]:
        """What each offers: a pair for each amount and each word, as ``--offers`` takes them."""
        found: list[tuple[str, str]] = []
        for name, there in sorted(self.offers.items()):
            is_words = isinstance(there, list | tuple)
            found += [(name, word) for word in there] if is_words else [(name, f"{there:g}")]
        return tuple(found)

    @property
    def name(self) -> str:
        """What the engine is to call each: small letters, digits and hyphens, 63 at most."""
        told = json.dumps(self.offers, sort_keys=True, separators=(",", ":"))
        return f"{self.group}{_digest(told)}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_DIGITS]


@attrs.frozen(kw_only=True)
class Launched:
    """
    A worker that an engine has, as the engine tells it.

    Args:
        id: By which the engine knows it.
        name: That of the order with which it was started.
        is_waiting: Whether the engine has not started it yet.
        why: Why it waits, in the engine's words, if it says so.
    """

    id: str
    name: str
    is_waiting: bool = False
    why: str | None = None

    def is_of(self, log_id: str) -> bool:
        """Tell whether it works on a log."""
        return self.name.startswith(workers_of(log_id))


class Launcher(Protocol):
    """
    Starts and stops workers on an engine that exists, and holds no state.

    What runs is asked of the engine itself each time, so that any process, on any machine that
    reaches the engine, finds what another one has started. An engine that cannot be asked, or
    refuses, raises an error that says why.
    """

    @property
    def name(self) -> str:
        """By which it is registered, and known to who scales."""

    def running(self, log_id: str) -> Sequence[Launched]:
        """Return a log's workers that have not ended, also those that the engine still holds."""

    def start(self, order: WorkerOrder, n: int) -> Sequence[str]:
        """
        Start so many workers, which outlive whoever asks, and return their ids.

        An engine that took some and refuses the others has started fewer; one that takes none
        raises why.
        """

    def stop(self, ids: Sequence[str]) -> None:
        """
        Take back what waits, and ask what runs to end by SIGTERM: what is in work may end.

        It does not wait for that. An id that the engine no longer has is passed over.
        """


LauncherLike: TypeAlias = str | Launcher | type[Launcher] | Mapping[str, Any]
"""A registered name, a launcher, a class of one, or ``{"name": ..., options}``."""
