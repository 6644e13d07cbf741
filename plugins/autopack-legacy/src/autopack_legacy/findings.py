"""What an import found unclean: counts, tallies and lists under fixed names."""

from collections import Counter
from typing import Any, Final

import attrs

COUNTS: Final = (
    "measured_splits",
    "inferred_splits",
    "total_only_splits",
    "splits_of_unknown_shares",
    "splits_that_do_not_add_up",
    "usage_without_figures",
    "usage_of_unnamed_models",
    "usage_of_unlisted_phases",
    "usage_older_than_its_run",
    "samples_of_unlisted_phases",
    "truncated_samples",
    "test_samples",
    "failed_without_reason",
    "executing_reclaimed",
    "gated_without_question",
    "queued_in_finished_runs",
    "scopes_that_are_text",
)
"""Rows of which something must be known; always reported, 0 included."""

TALLIES: Final = (
    "rows",
    "run_states",
    "rows_without_a_known_run",
    "categories_normalised",
    "complexities_normalised",
    "unknown_phase_states",
    "unparsable_values",
    "times_taken_from_elsewhere",
    "rows_left_out",
)
"""Counts by name: of a table, of a column (``table.column``), or of the original word."""

LISTS: Final = (
    "implied_runs",
    "runs_dated_before_their_row",
    "phases_dated_before_their_row",
    "queued_with_failures",
    "tables_absent",
)
"""Names of the runs, phases and tables concerned."""


@attrs.define
class Findings:
    """Collects what is unclean while rows are read; :meth:`report` gives it by name."""

    _counts: Counter[str] = attrs.field(factory=Counter, init=False)
    _tallies: dict[str, Counter[str]] = attrs.field(init=False)
    _lists: dict[str, list[str]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with nothing under every name."""
        self._tallies = {name: Counter() for name in TALLIES}
        self._lists = {name: [] for name in LISTS}

    def count(self, name: str, times: int = 1) -> None:
        """Count rows under one of :data:`COUNTS`."""
        self._counts[name] += times

    def tally(self, name: str, key: str, times: int = 1) -> None:
        """Count rows under *key* of one of :data:`TALLIES`."""
        self._tallies[name][key] += times

    def add(self, name: str, item: str) -> None:
        """Name *item*, once, under one of :data:`LISTS`."""
        if item not in self._lists[name]:
            self._lists[name].append(item)

    def report(self) -> dict[str, Any]:
        """Return everything by name, in a fixed order."""
        return (
            {name: self._counts[name] for name in COUNTS}
            | {name: dict(sorted(self._tallies[name].items())) for name in TALLIES}
            | {name: sorted(self._lists[name]) for name in LISTS}
        )
