"""Every run: how it stands, how many of its phases stand how, and what it used."""

from typing import TYPE_CHECKING, Final

import attrs

import autopack
from autopack.projections.sums_by_drain_and_run import Work
from autopack.types import RunView
from autopack_web.paging import Part, part_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopack import Log
    from autopack_web.moments import Asked

_MOST: Final = 100


@attrs.frozen(kw_only=True)
class RunEntry:
    """A run, its phases by state, and what all attempts of it came to."""

    run: RunView
    phases_by_state: "Mapping[str, int]"
    work: Work


@attrs.frozen(kw_only=True)
class Runs:
    """Some of the runs, the newest first."""

    runs: tuple[RunEntry, ...]
    part: Part


def read(log: "Log", asked: "Asked") -> Runs:
    """Return them, a hundred at a time."""
    states = autopack.view(log, "phases", with_rows=False).total.by_run
    work = autopack.view(log, "attempts", with_rows=False).total.by_run
    rows = sorted(autopack.view(log, "runs").rows.values(), key=lambda row: -row.order)
    part = part_of(asked, len(rows), _MOST)
    found = (
        RunEntry(
            run=row,
            phases_by_state=dict(states.get(row.run_id) or {}),
            work=work.get(row.run_id, Work()),
        )
        for row in rows[part.first : part.end]
    )
    return Runs(runs=tuple(found), part=part)
