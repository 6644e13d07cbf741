"""Folders of attempts as a read model: what was opened, kept, merged and closed."""

from typing import get_args

from hypothesis import strategies as st

from autopack.events import (
    WorkspaceClosed,
    WorkspaceCommitted,
    WorkspaceEvent,
    WorkspaceIntegrated,
    WorkspaceOpened,
)
from autopack.projections.workspaces import WORKSPACES
from autopack.testing.generators import FEW, events_of
from autopack.testing.histories import histories
from autopack.testing.projections import ProjectionContract

NAMES = {"run_id": "r", "phase_id": "p", "attempt": 1}
OPENED = WorkspaceOpened(
    **NAMES, lease_token="t", workspace="worktree", path="/t/1", source="/s", branch="w", base="b"
)
COMMITTED = WorkspaceCommitted(
    **NAMES, lease_token="t", commit="c", branch="w", base="b", files=2, lines_added=3,
    lines_removed=1,
)  # fmt: skip
MERGED = WorkspaceIntegrated(
    **NAMES, commit="m", work="c", target="main", before="h", after="m", how="rebase", by="drain"
)
CLOSED = WorkspaceClosed(**NAMES, path="/t/1", why="its work is merged")


class TestWorkspaces(ProjectionContract):
    """Among histories of any kind, and in any order."""

    def make(self):
        return WORKSPACES

    def events(self):
        few = [events_of(cls, **FEW) for cls in get_args(WorkspaceEvent)]
        own = st.lists(st.one_of(few), max_size=9)
        return own | st.tuples(histories(), own).map(lambda both: [*both[0], *both[1]])


class _Envelope:
    def __init__(self, event, position):
        self.event, self.position = event, position


def folded(*events):
    row = None
    for position, event in enumerate(events, start=1):
        row = WORKSPACES.project(row, _Envelope(event, position))
    return row


def test_a_folder_that_is_merged_has_all_that_was_told():
    """From its path to the head of the branch since."""
    row = folded(OPENED, COMMITTED, MERGED, CLOSED)

    assert ("/t/1", "w", "b", "c", 2, 3, 1) == (
        row.path, row.branch, row.base, row.commit, row.files, row.lines_added, row.lines_removed,
    )  # fmt: skip
    assert ("m", "main", "h", "m", "rebase", 3) == (
        row.merged, row.target, row.before, row.after, row.how, row.merged_at,
    )  # fmt: skip
    assert row.is_closed


def test_what_waits_says_so_until_it_is_merged():
    """It has a commit, and nothing was merged."""
    import attrs

    row = folded(OPENED, attrs.evolve(COMMITTED, waits=True))

    assert (True, None, False) == (row.waits, row.merged, row.is_closed)


def test_an_event_that_comes_alone_makes_a_row():
    """An import may have lost what came before."""
    assert ("c", None) == (folded(COMMITTED).commit, folded(COMMITTED).path)
    assert folded(CLOSED).is_closed
