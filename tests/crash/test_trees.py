"""Some kills of drains in worktrees; ``python -m tests.long workspaces`` makes more."""

import os

import pytest
from tests.crash.trees import kill_many


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="locks and processes as POSIX has them")
@pytest.mark.parametrize(("times", "machines"), [(6, 1), (2, 2)])
def test_a_drain_that_is_killed_loses_no_work_and_leaves_no_worktree(
    tmp_path, monkeypatch, times, machines
):
    """At random moments of its first second and a half; also where two share a remote."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # and put back what it was
    tally = kill_many(tmp_path, times=times, seed=3, machines=machines)

    assert (times, []) == (tally.kills, tally.faults)
    assert 0 < tally.merged <= tally.attempts
