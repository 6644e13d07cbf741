"""Views as of now: a checkpoint plus the tail folded in memory, without the write lock."""

from collections.abc import Sequence
from typing import Any

from autopack.log.journal import Journal
from autopack.log.views.persisted import folded, load, rows_of
from autopack.log.views.projection_fold import Fold, ViewAt, answer
from autopack.ports.log import Recorded
from autopack.ports.projection import Projection


def current(journal: Journal, projection: Projection, *, with_rows: bool = True) -> ViewAt:
    """
    Return a projection's view as of now: its checkpoint plus the tail, without the write lock.

    Args:
        with_rows: False loads only the rows that the tail touches, for the total alone.
    """
    with journal.backend.snapshot() as reader:
        saved = folded(journal, projection, reader)
        has_rows = saved.is_keyed and saved.has_base and with_rows
        base = rows_of(journal, projection, reader, None) if has_rows else {}
        position = reader.head().position
    rows = {**base, **saved.changed}
    saved.changed = rows
    return answer(saved, position=position)


def current_row(journal: Journal, projection: Projection, key: str) -> Any:
    """Return one row of a keyed view as of now, or None, without loading the others."""
    with journal.backend.snapshot() as reader:
        return folded(journal, projection, reader).get(key)


class LiveView:
    """
    A view that is kept in memory and follows the log when asked to.

    Args:
        run_id: Keep the rows of this run only, of a view that is keyed by ``RUN/...``; the total
            then counts what came to other runs no further.
    """

    def __init__(
        self, journal: Journal, projection: Projection, *, run_id: str | None = None
    ) -> None:
        self._journal, self._run_id = journal, run_id
        with journal.backend.snapshot() as reader:
            saved = load(journal, projection, reader)
            has_rows = saved.is_keyed and saved.position
            prefix = "" if run_id is None else f"{run_id}/"
            rows = rows_of(journal, projection, reader, None, prefix=prefix) if has_rows else {}
        self._fold = Fold(projection, position=saved.position, total=saved.total)
        self._fold.changed = rows
        self._steps: dict[str, tuple[Any, Any]] = {}

    @property
    def position(self) -> int:
        """The last event that is folded, or passed over."""
        return self._fold.position

    @property
    def rows(self) -> dict[str, Any]:
        """The rows by key; not to be changed."""
        return self._fold.changed

    @property
    def total(self) -> Any:
        """What the projection counts over its rows, or a whole projection's view."""
        return self._fold.total

    def hear(self, events: Sequence[Recorded[Any]]) -> None:
        """Fold events that follow on what is folded; those that are folded already are passed."""
        fold, types = self._fold, self._fold.projection.types
        new = [
            recorded
            for recorded in events
            if recorded.position > fold.position
            and (types is None or isinstance(recorded.event, types))
            and (self._run_id is None or recorded.event.run_id == self._run_id)
        ]
        for key, (before, after) in fold.apply_all(new).items():
            first = self._steps[key][0] if key in self._steps else before
            self._steps[key] = first, after
        if events:
            fold.position = max(fold.position, events[-1].position)

    def take(self) -> dict[str, tuple[Any, Any]]:
        """Return (before, after) of each row that changed since this was asked last."""
        steps, self._steps = self._steps, {}
        return steps

    def catch_up(self, head: int | None = None) -> dict[str, tuple[Any, Any]]:
        """
        Read and fold what is new; return (before, after) of each row that changed.

        Args:
            head: How far to go, where several views are to stand at one position.
        """
        journal, fold = self._journal, self._fold
        head = journal.backend.head().position if head is None else head
        if head > fold.position:
            types = fold.projection.types
            names = None if types is None else journal.codec.names_of(types)
            for rows in journal.pages(after=fold.position, until=head, types=names):
                self.hear(list(journal.decode(rows)))
            fold.position = head  # whatever came last: other types are not scanned again
        return self.take()
