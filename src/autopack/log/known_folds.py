"""What was folded of views, kept in memory: whoever asks next has only what is new folded."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import attrs

from autopack.ports.backend import Checkpoint
from autopack.ports.projection import Projection, is_keyed

ROWS_MOST: Final = 20_000
"""Rows of a view that stay in memory while its log is in use; a view of more is folded anew."""

_PROJECTIONS_MOST: Final = 16


@attrs.frozen(kw_only=True)
class KnownFold:
    """
    What a projection came to at a position.

    Args:
        base: The persisted state that it was folded on from; None is the first event.
        changed: The rows that are not as they are there; not to be changed.
    """

    projection: Projection
    base: Checkpoint | None
    position: int
    total: Any
    changed: Mapping[str, Any]


class KnownFolds:
    """
    What was folded last, of a few projections; safe to use from any thread.

    Args:
        rows_most: Nothing is kept of a view with more rows in memory, nor of one without rows,
            whose value may be changed by whom it is told to. None keeps any: of a moment of the
            past, which is asked a few things and goes.
    """

    def __init__(self, rows_most: int | None = ROWS_MOST) -> None:
        self._rows_most = rows_most
        self._lock = threading.Lock()
        self._known: OrderedDict[int, KnownFold] = OrderedDict()

    def of(self, projection: Projection, base: Checkpoint | None, *, head: int) -> KnownFold | None:
        """Return what is known of a projection on top of a state, and not past the head."""
        with self._lock:
            known = self._known.get(id(projection))
        return known if known and known.base == base and known.position <= head else None

    def keep(self, known: KnownFold) -> None:
        """Keep what was folded, in the place of what was known of its projection."""
        if self._rows_most is not None and not (
            is_keyed(known.projection) and len(known.changed) <= self._rows_most
        ):
            return
        with self._lock:
            self._known[id(known.projection)] = known  # which keeps it, so that no other has its id
            self._known.move_to_end(id(known.projection))
            if len(self._known) > _PROJECTIONS_MOST:
                self._known.popitem(last=False)
