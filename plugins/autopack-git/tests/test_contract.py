"""Worktrees keep the promises of every workspace, however they are merged."""

from tests.repositories import new_repository

from autopack.testing.workspaces import WorkspaceContract
from autopack_git import Worktrees


class TestWorktrees(WorkspaceContract):
    """Into a branch of the run's own."""

    def make(self, folder):
        place = folder / "demo"
        return Worktrees(repository=place if place.exists() else new_repository(place))


class TestRebased(WorkspaceContract):
    """Into the branch that is checked out."""

    def make(self, folder):
        place = folder / "demo"
        found = place if place.exists() else new_repository(place)
        return Worktrees(repository=found, integrate="rebase")
