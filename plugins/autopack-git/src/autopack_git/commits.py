"""Commits of attempts: what stands in a tree as one commit, whose trailers lead to its events."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from autopack.types import PhaseView
from autopack_git.program import Git, GitError
from autopack_git.repository import gitlinks

_SUBJECT_MOST: Final = 72
_LOOKED_AT_MOST: Final = 20_000
_NOBODY: Final = {"NAME": "Autopack", "EMAIL": "autopack@localhost"}
_TRAILERS: Final = ("Run", "Phase", "Attempt", "Log", "Position")


class UnkeepableError(Exception):
    """What stands in a tree cannot be kept as a commit; says why, for a person."""


@attrs.frozen(kw_only=True)
class Origin:
    """Whose work a commit is: what its trailers say."""

    run_id: str
    phase_id: str
    attempt: int
    log_id: str
    position: int

    @property
    def trailers(self) -> list[str]:
        """The options that put the trailers under a message."""
        told = (self.run_id, self.phase_id, self.attempt, self.log_id, self.position)
        pairs = zip(_TRAILERS, told, strict=True)
        return [word for name, one in pairs for word in ("--trailer", f"Autopack-{name}={one}")]


@attrs.frozen(kw_only=True)
class Found:
    """A commit that an attempt has made, found by its trailers."""

    commit: str
    parent: str | None
    run_id: str
    phase_id: str
    attempt: int
    log_id: str


@attrs.frozen(kw_only=True)
class Size:
    """How many files a commit changes, and lines."""

    files: int
    added: int
    removed: int


def staged_tree(tree: Path, base: str, also: tuple[str, ...] = ()) -> str:
    """
    Return all that stands in a folder as a git tree; what ``.gitignore`` names is left out.

    Args:
        also: Paths that are taken in whatever ``.gitignore`` says.

    Raises:
        UnkeepableError: A part of it would be lost: a conflict, a repository within, a submodule.
    """
    git = Git(tree)
    if git.read("ls-files", "--unmerged"):
        raise UnkeepableError("a conflict in it is not resolved")
    before = gitlinks(git, base)
    _check_submodules(git)
    code, _out, said = git.tried("add", "--all", "--", ":/")
    if code != 0:
        if "does not have a commit checked out" in said:
            raise UnkeepableError("a folder in it is a repository of its own")
        raise GitError(("add", "--all"), code, said)
    for path in also:
        if (tree / path).is_file() and not Path(path).is_absolute() and ".." not in path:
            git.tried("add", "--force", "--", path)
    written = git("write-tree")
    after = gitlinks(git, written)
    if new := sorted(after.keys() - before.keys()):
        git("rm", "--cached", "--quiet", "--", *new)
        raise UnkeepableError(f"{new[0]} in it is a repository of its own")
    if moved := sorted(path for path in after if after[path] != before[path]):
        raise UnkeepableError(f"the submodule {moved[0]} is at another commit")
    return written


def _check_submodules(git: Git) -> None:
    for line in git.read("status", "--porcelain=v2", "-z", "--ignore-submodules=none").split("\0"):
        words = line.split(" ")
        if words[0] in "12u" and len(words) > 2 and words[2][0] == "S" and words[2] != "S...":
            raise UnkeepableError(f"the submodule {words[-1]} has changes of its own")


def made(git: Git, tree: str, parent: str, message: str, origin: Origin) -> str:
    """Return a new commit of a tree; its author is who git says, or else Autopack."""
    words = ("interpret-trailers", "--no-divider", "--where=end", "--if-exists=replace")
    whole = git(*words, "--if-missing=add", *origin.trailers, stdin=f"{message.strip()}\n")
    return git("commit-tree", tree, "-p", parent, "-F", "-", stdin=whole, **author(git))


def author(git: Git) -> dict[str, str]:
    """Return the variables that name an author where git knows none."""
    code, _out, _said = git.tried("var", "GIT_COMMITTER_IDENT", GIT_OPTIONAL_LOCKS="0")
    if code == 0 and git.tried("var", "GIT_AUTHOR_IDENT", GIT_OPTIONAL_LOCKS="0")[0] == 0:
        return {}
    return {f"GIT_{who}_{n}": to for who in ("AUTHOR", "COMMITTER") for n, to in _NOBODY.items()}


def message_of(git: Git, phase: PhaseView, base: str, head: str) -> str:
    """Return a message: that of the one commit that was made, or what was asked for."""
    own = [
        one for one in git.read("log", "-z", "--format=%B", f"{base}..{head}").split("\0") if one
    ]
    if len(own) == 1:
        return own[0].strip() or _asked(phase)
    told = [f"- {one.strip().splitlines()[0]}" for one in reversed(own) if one.strip()]
    return "\n\n".join((_asked(phase), *(["\n".join(told)] if told else ())))


def _asked(phase: PhaseView) -> str:
    lines = (phase.goal or "").strip().splitlines()
    subject = lines[0].strip() if lines else phase.phase_id
    cut = subject if len(subject) <= _SUBJECT_MOST else f"{subject[: _SUBJECT_MOST - 3]}..."
    return re.sub(r"^#+\s*", "", cut) or phase.phase_id


def size_of(git: Git, base: str, commit: str) -> Size:
    """Return how much a commit changes; of a file that is not text no line counts."""
    files = added = removed = 0
    for line in git.read("diff", "--numstat", "--no-renames", "-z", base, commit).split("\0"):
        if line:
            more, less, _path = line.split("\t", 2)
            files += 1
            added += int(more) if more.isdigit() else 0
            removed += int(less) if less.isdigit() else 0
    return Size(files=files, added=added, removed=removed)


def size_line(size: Size) -> str:
    """Return a size as people read it."""
    return f"{size.files} file{'' if size.files == 1 else 's'}, +{size.added} -{size.removed}"


def found_in(git: Git, wanted: str) -> Iterator[Found]:
    """Yield the commits of attempts in a range, the oldest first."""
    keys = "%x1f".join(f"%(trailers:key=Autopack-{name},valueonly)" for name in _TRAILERS)
    words = ("log", "-z", "--reverse", "--topo-order", f"--format=%H%x1f%P%x1f{keys}")
    for record in git.read(*words, f"--max-count={_LOOKED_AT_MOST}", wanted, "--").split("\0"):
        commit, _sep, rest = record.partition("\x1f")
        parents, *told = (one.strip() for one in rest.split("\x1f"))
        if len(told) == len(_TRAILERS) and all(told) and told[2].isdigit():
            yield Found(
                commit=commit,
                parent=parents.split()[0] if parents else None,
                run_id=told[0],
                phase_id=told[1],
                attempt=int(told[2]),
                log_id=told[3],
            )
