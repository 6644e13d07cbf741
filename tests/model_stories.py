"""A phase, and a provider on loopback that answers as the test says: what becomes of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import autopack
from autopack import Choose, DrainView, Log, PhaseRef, PhaseSpec, Stop
from loopback_models import Asked, Provider, Reply, serving

REF = PhaseRef("r", "p")
GIVEN = {"category": "docs", "complexity": "low", "goal": "Say hello", "model": "m"}
"""What the phase is, unless the test says otherwise."""


def once(view: DrainView) -> Choose | Stop:
    """Choose a phase until one has failed."""
    if view.ready and not view.failures:
        return Choose(view.ready[0].ref, "the first")
    return Stop("one has failed")


class Story:
    """
    One phase, and what it is answered with.

    Args:
        make: Makes the executor, by the provider's address and options.
    """

    def __init__(self, log: Log, provider: Provider, make: Callable[..., Any]) -> None:
        self.log, self.provider, self._make = log, provider, make

    def executor(self, **options: Any) -> Any:
        """Return an executor that asks the provider."""
        return self._make(self.provider.url, **options)

    def drain(self, *, executor: Any = None, settings: Any = None, **phase: Any) -> Any:
        """Drain the phase, and return the report."""
        autopack.create_run(self.log, "r", [PhaseSpec("p", **{**GIVEN, **phase})])
        made = executor or self.executor()
        return autopack.drain(self.log, executor=made, backoff_base_s=0.01, **(settings or {}))

    @property
    def phase(self) -> Any:
        """The phase, as it stands."""
        return autopack.get_phase(self.log, REF)

    @property
    def bodies(self) -> list[Any]:
        """What was asked, in order."""
        return [asked.body for asked in self.provider.asked]

    def events(self, kind: str) -> list[Any]:
        """Return the events of a kind."""
        return [recorded.event for recorded in self.log.read_all() if recorded.type == kind]

    def text(self, name: str) -> str:
        """Return a text of the phase."""
        return self.kept(self.phase, name)

    def kept(self, ended: Any, name: str) -> str:
        """Return a text of the attempt that ended so."""
        digests = {**getattr(ended, "outputs", {}), **ended.artifacts}
        return self.log.artifacts.get(digests[name])


@contextmanager
def stories(folder: Path, make: Callable[..., Any]) -> Iterator[Callable[..., Story]]:
    """Give what begins a story with these replies, the last one again and again."""
    left: list[Reply] = []

    def answer(asked: Asked) -> Reply:
        return left[min(asked.number, len(left) - 1)]

    with serving(answer) as provider, autopack.create_log(folder / "work.db") as log:

        def begin(*replies: Reply) -> Story:
            left[:] = replies
            return Story(log, provider, make)

        yield begin
