"""What the entry point finds: the workspace ``worktree``."""

from autopack.plugins.hookspecs import Register, hookimpl


@hookimpl
def autopack_register_workspaces(register: Register) -> None:
    """Register ``worktree``: a git worktree and a branch for each attempt."""
    from autopack_git.worktrees import Worktrees

    register("worktree", Worktrees)
