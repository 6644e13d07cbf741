"""How large the outputs of a run's attempts were: what phases follow that list no deliverables."""

import threading
from collections.abc import Iterable, Sequence
from typing import Final

from autopack.log.journal import Journal
from autopack.log.views.persisted import load, rows_of
from autopack.projections.attempt_row import AttemptRow
from autopack.projections.attempts import ATTEMPTS, attempt_key

_KEPT_MOST: Final = 100

Group = tuple[str, str, str]
"""Run, category, complexity."""


class LikeOutputs:
    """
    Measured output sizes by run, category and complexity; safe to use from any thread.

    A run's persisted attempts are read when it is first asked for; those that end later are told.
    An output that was cut off counts with what was seen of it.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._sizes: dict[Group, dict[str, int]] = {}
        self._read: set[str] = set()
        self._lock = threading.Lock()

    def of(self, run_id: str, category: str, complexity: str) -> Sequence[int]:
        """Return a group's newest sizes in tokens, a hundred at most; empty if none is known."""
        with self._lock:
            if run_id not in self._read:
                self._read.add(run_id)
                for row in sorted(self._kept(run_id), key=lambda row: row.position):
                    self._note(row)
            return tuple(self._sizes.get((run_id, category, complexity), {}).values())

    def learn(self, row: AttemptRow) -> None:
        """Take note of an attempt that ended or was judged, if its output says something."""
        with self._lock:
            self._note(row)

    def _kept(self, run_id: str) -> Iterable[AttemptRow]:
        journal = self._journal
        with journal.backend.snapshot() as reader:
            if not load(journal, ATTEMPTS, reader).position:
                return ()
            return rows_of(journal, ATTEMPTS, reader, None, prefix=f"{run_id}/").values()

    def _note(self, row: AttemptRow) -> None:
        size = row.actual_output_tokens
        if row.run_id is None or row.phase_id is None or row.attempt is None or row.deliverables:
            return
        group = (row.run_id, row.category, row.complexity)
        key = attempt_key(row.run_id, row.phase_id, row.attempt)
        if not size or not (row.success or row.truncated):
            self._sizes.get(group, {}).pop(key, None)  # it was judged wrong since
            return
        sizes = self._sizes.setdefault(group, {})
        sizes[key] = size
        if len(sizes) > _KEPT_MOST:
            del sizes[next(iter(sizes))]
