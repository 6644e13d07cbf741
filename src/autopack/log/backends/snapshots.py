"""Which snapshot a thread holds: its own reads see that moment, those of other threads do not."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

S = TypeVar("S")


class Snapshots(Generic[S]):
    """The open snapshot of each thread; a thread has one at most, whatever it nests."""

    def __init__(self) -> None:
        self._here = threading.local()

    @property
    def own(self) -> S | None:
        """The snapshot that this thread holds."""
        held: list[S] | None = getattr(self._here, "held", None)
        return held[0] if held else None

    @contextlib.contextmanager
    def holding(self, snapshot: S) -> Iterator[S]:
        """Let this thread's reads see *snapshot* until the end of the block, wherever it ends."""
        held = [snapshot]
        self._here.held = held
        try:
            yield snapshot
        finally:
            held.clear()
