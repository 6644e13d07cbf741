"""A worktree and a commit for each attempt, by git's own program."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopack_git.program import GitError
    from autopack_git.worktrees import Worktrees

__all__ = ["GitError", "Worktrees"]
_HOMES = {"GitError": "program", "Worktrees": "worktrees"}


def __getattr__(name: str) -> Any:
    """Load a name when it is used: every command loads the plugin, few need it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"autopack_git.{_HOMES[name]}"), name)
