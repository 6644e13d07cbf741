"""A repository of this machine that follows a remote one, which workers on all machines share."""

import hashlib
import os
import platform
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from autopack.errors import AutopackError
from autopack_git.lock import locked
from autopack_git.names import WORK, safe
from autopack_git.program import Git, GitError
from autopack_git.repository import Repository

T = TypeVar("T")
Confirm = Callable[[], object]

_REMOTE: Final = "origin"
_SEEN: Final = f"refs/remotes/{_REMOTE}/"
_NO_COMMIT: Final = "0" * 40
_BRIEFLY_S: Final = 2.0
_PATIENCE_S: Final = 600.0
_AGAIN_S: Final = 0.5
_AGAIN_MOST_S: Final = 30.0
_SSH: Final = "ssh -o BatchMode=yes -o ConnectTimeout=20"
_MOVED: Final = re.compile(
    r"\[rejected\]"
    r"|\[remote rejected\] \((?:cannot lock|failed to (?:update|lock)|incorrect old value)"
)
_REFUSED: Final = re.compile(
    r"\[remote rejected\]|Authentication failed|Permission denied|returned error: 40[13]"
    r"|could not read (?:Username|Password)|Host key verification failed"
)


_TELLING: Final = re.compile(r"!\s|remote: |fatal: |error: |ssh: ")
_TOLD_CHARS: Final = 240


class RemoteAwayError(ConnectionError):
    """A remote cannot be reached just now; says what git said."""


class RemoteRefusedError(AutopackError):
    """A remote does not take what it is given, and would not the next time; says why."""


class RemoteMovedError(Exception):
    """A branch of a remote is not where it was seen any more: fetch, and look again."""


class Mirror(Repository):
    """
    A bare repository that is filled from a remote; made if it is not there.

    Branches here stand where those of the remote stood when it was fetched; an attempt's is pushed
    before anybody is told of its work, so that every machine can go on with it.

    Args:
        remote: Its address, as ``git clone`` takes it.
        folder: Where it is; a place for that remote below the user's cache, if it is None.
    """

    def __init__(self, remote: str, folder: Path | None = None) -> None:
        place = folder or _place_for(remote)
        place.mkdir(parents=True, exist_ok=True)
        with locked(place.with_name(f"{place.name}.lock")):
            if not (place / "HEAD").exists():
                Git(place).tried("init", "--quiet", "--bare", "--", ".")
        super().__init__(place)
        self.remote, self._address = remote, remote

    @property
    def source(self) -> str:
        """Where trees come from: other machines may have a mirror at the same place."""
        return f"{platform.node() or 'host'}:{self.common}"

    @contextmanager
    def adding(self) -> Iterator[None]:
        """Let nobody fetch in the block: git looks at all trees and branches then."""
        with locked(self.common / "autopack" / "fetch.lock"):
            yield

    @property
    def is_filled(self) -> bool:
        """Whether the remote was seen before."""
        return bool(self.bare.read("for-each-ref", "--count=1", _SEEN))

    def begin(self, confirm: Confirm | None = None) -> None:
        """Let HEAD be the remote's own branch, and fetch; see there."""
        told = self._asked(confirm, "ls-remote", "--symref", self._address, "HEAD")
        if (found := re.search(r"^ref: (refs/heads/\S+)\tHEAD$", told, re.MULTILINE)) is not None:
            self.bare("symbolic-ref", "HEAD", found[1])
        self.fetch(confirm)

    def fetch(self, confirm: Confirm | None = None) -> None:
        """
        See where the remote's branches are by now.

        Args:
            confirm: Asked while a remote is waited for that is away, which takes ten minutes at
                most; None waits for two seconds.

        Raises:
            RemoteAwayError: It is not to be reached.
            RemoteRefusedError: It lets us not in.
        """
        with self.adding():
            self._mend()
            self._asked(
                confirm, "fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head",
                "--", self._address, f"+refs/heads/*:{_SEEN}*",
            )  # fmt: skip
            self._follow()

    def publish(self, branch: str, commit: str, confirm: Confirm | None = None) -> None:
        """
        Push a commit to a branch; what others have put there is never lost.

        An attempt's own branch may be put at another commit, if it is where we have put it.

        Raises:
            RemoteMovedError: The branch has something else.
            RemoteAwayError, RemoteRefusedError: As :meth:`fetch` does.
        """
        seen = self.bare.commit_of(f"{_SEEN}{branch}") or ""
        leased = branch if branch.startswith(f"{WORK}/") else None
        try:
            self._push(confirm, f"{commit}:refs/heads/{branch}", leased, seen)
        except RemoteMovedError:
            self.fetch(confirm)  # it may be ours, of which we were not told
            if self.bare.commit_of(f"{_SEEN}{branch}") != commit:
                raise
        with self.adding():
            self.bare("update-ref", f"{_SEEN}{branch}", commit)
            if leased is None:
                self.bare("update-ref", f"refs/heads/{branch}", commit)

    def unpublish(self, branch: str, at: str) -> None:
        """Delete an attempt's branch from the remote if it is there, and at that commit."""
        if self.bare.commit_of(f"{_SEEN}{branch}") != at or not branch.startswith(f"{WORK}/"):
            return
        try:
            self._push(None, f":refs/heads/{branch}", branch, at)
        except (RemoteAwayError, RemoteRefusedError, RemoteMovedError, GitError):
            return  # it stays, and whoever sweeps next may take it away
        with self.adding():
            self.bare.tried("update-ref", "-d", f"{_SEEN}{branch}", at)

    def _follow(self) -> None:
        """Let our branches be the remote's, but those of attempts, which are made here."""
        git = self.bare
        words = ("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", _SEEN)
        heads = dict(line.split(" ") for line in git.read(*words).splitlines())
        theirs = {
            f"refs/heads/{name.removeprefix(_SEEN)}": at
            for name, at in heads.items()
            if name.startswith(_SEEN) and not name.startswith(f"{_SEEN}{WORK}/")
        }
        ours = {
            name: at
            for name, at in heads.items()
            if name.startswith("refs/heads/") and not name.startswith(f"refs/heads/{WORK}/")
        }
        told = [f"update {name} {at}" for name, at in theirs.items() if ours.get(name) != at]
        told += [f"delete {name}" for name in ours.keys() - theirs.keys()]
        if told:
            git("update-ref", "--stdin", stdin="\n".join([*told, ""]))

    def _push(
        self, confirm: Confirm | None, what: str, leased: str | None = None, seen: str = ""
    ) -> None:
        """Push, also backwards where a branch is *leased*, if it is at the commit that was seen."""
        lease = () if leased is None else (f"--force-with-lease=refs/heads/{leased}:{seen}",)
        words = ("push", "--porcelain", "--no-verify", *lease, "--", self._address, what)
        self._asked(confirm, *words)

    def _asked(self, confirm: Confirm | None, *words: str) -> str:
        """Call git with the remote, again and again while that is away, if it is waited for."""
        patience_s = _BRIEFLY_S if confirm is None else _PATIENCE_S
        ends_s, wait_s = time.monotonic() + patience_s, _AGAIN_S
        while True:
            try:
                return self._asked_once(*words)
            except RemoteAwayError:
                if time.monotonic() + wait_s > ends_s:
                    raise
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _AGAIN_MOST_S)
            if confirm is not None:
                confirm()

    def _asked_once(self, *words: str) -> str:
        ssh = {} if "GIT_SSH_COMMAND" in os.environ else {"GIT_SSH_COMMAND": _SSH}
        code, out, said = self.bare.tried(*words, **ssh)
        if code == 0:
            return out
        lines = f"{out}\n{said}".splitlines()
        named = [" ".join(line.split()) for line in lines if _TELLING.match(line)]
        told = "; ".join(named or lines)[:_TOLD_CHARS]
        if _MOVED.search(told):
            raise RemoteMovedError(told)
        if _REFUSED.search(told):
            raise RemoteRefusedError(f"{self.remote} refuses it: {told}")
        raise RemoteAwayError(f"{self.remote} cannot be reached: {told}")

    def _mend(self) -> None:
        """Let trees that a killed git was making have no commit: their HEAD stands in the way."""
        for head in self.common.glob("worktrees/*/HEAD"):
            if head.read_text(encoding="ascii", errors="replace").strip() == _NO_COMMIT:
                head.write_text(f"ref: refs/heads/{WORK}/unmade\n", encoding="ascii")


def _place_for(remote: str) -> Path:
    """Return where the mirror of a remote is kept, by its whole address."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = re.split(r"[/:\\]", remote.rstrip("/").removesuffix(".git"))[-1] or "remote"
    digest = hashlib.sha256(remote.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return cache / "autopack" / "git" / f"{safe(name)}-{digest}.git"
