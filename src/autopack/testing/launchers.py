"""What every launcher promises: subclass the suite, and make one."""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from autopack.ports.launchers import Launched, Launcher, WorkerOrder
from autopack.testing.making import checked, not_written

_LOOK_S = 0.02
_ODD = ("a b", "it's", '"quoted"', "$HOME", "*", "back\\slash", "two\nlines", "")
_WORKING = """\
trap 'echo ended >"$1/ended-$$"; exit 0' TERM
echo begun >"$1/begun-$$"
while :; do sleep 0.02; done
"""
_SHOWING = (
    'folder=$1; shift; printf "%s\\\\0" "$@" >"$folder/part"; mv "$folder/part" "$folder/shown"'
)


class LauncherContract:
    """
    Workers are started, found again by whoever asks, and asked to end; nothing else is kept.

    Subclass it with a name that pytest collects, and give :meth:`make`.

    Attributes:
        patience_s: How long the engine may take to start a worker, or to end one.
    """

    patience_s = 30.0

    def make(self, folder: Path) -> Any:
        """Return a launcher, a new one each time; whatever it needs is to be made in *folder*."""
        raise not_written("make(folder)", "return the launcher to test")

    def _made(self, folder: Path) -> Launcher:
        made: Launcher = checked(
            self.make(folder), "launcher", ["name", "running", "start", "stop"]
        )
        return made

    def test_what_it_started_runs(self, tmp_path: Path) -> None:
        """Each worker has an id of its own, and the name of its order."""
        launcher, order = self._made(tmp_path), working(tmp_path)
        with self._started(launcher, order, 2) as ids:
            self._eventually(lambda: 2 == len(_marks(tmp_path, "begun")), "both have begun")
            there = launcher.running(order.log_id)

            assert 2 == len(set(ids))
            assert {(one, order.name, False) for one in ids} == {_told(one) for one in there}

    def test_another_one_sees_and_stops_it(self, tmp_path: Path) -> None:
        """Nothing is kept in the launcher: one that was just made finds the same workers."""
        order = working(tmp_path)
        with self._started(self._made(tmp_path), order, 1) as ids:
            another = self._made(tmp_path)

            assert list(ids) == [one.id for one in another.running(order.log_id)]
            another.stop(ids)
            self._eventually(lambda: not another.running(order.log_id), "it is gone")

    def test_it_tells_logs_apart(self, tmp_path: Path) -> None:
        """Workers of another log are neither seen nor counted."""
        launcher, order, other = self._made(tmp_path), working(tmp_path), working(tmp_path)
        with self._started(launcher, order, 1) as ids, self._started(launcher, other, 1) as others:
            seen = [one.id for one in launcher.running(order.log_id)]
            seen_of_other = [one.id for one in launcher.running(other.log_id)]

            assert (list(ids), list(others)) == (seen, seen_of_other)

    def test_the_command_is_run_as_it_is(self, tmp_path: Path) -> None:
        """No shell reads its arguments, whatever is in them."""
        launcher = self._made(tmp_path)
        order = ordered("/bin/sh", "-c", _SHOWING, "sh", str(tmp_path), *_ODD)
        with self._started(launcher, order, 1):
            self._eventually((tmp_path / "shown").exists, "it has run")
        shown = (tmp_path / "shown").read_bytes().decode().split("\0")

        assert [*_ODD, ""] == shown

    def test_it_asks_a_worker_to_end(self, tmp_path: Path) -> None:
        """By SIGTERM, so that a worker has time to give back what is in work."""
        launcher, order = self._made(tmp_path), working(tmp_path)
        with self._started(launcher, order, 1) as ids:
            self._eventually(lambda: bool(_marks(tmp_path, "begun")), "it has begun")
            launcher.stop(ids)
            self._eventually(lambda: not launcher.running(order.log_id), "it is gone")
            self._eventually(lambda: bool(_marks(tmp_path, "ended")), "it ended by itself")

    def test_it_stops_none_but_those_that_are_named(self, tmp_path: Path) -> None:
        """The others go on."""
        launcher, order = self._made(tmp_path), working(tmp_path)
        with self._started(launcher, order, 2) as ids:
            self._eventually(lambda: 2 == len(_marks(tmp_path, "begun")), "both have begun")
            launcher.stop(ids[:1])
            self._eventually(lambda: 1 == len(launcher.running(order.log_id)), "one is gone")

            assert list(ids[1:]) == [one.id for one in launcher.running(order.log_id)]
            assert 1 == len(_marks(tmp_path, "ended"))

    def test_what_has_ended_does_not_run(self, tmp_path: Path) -> None:
        """And to stop it, or what never was, is no error."""
        launcher, order = self._made(tmp_path), ordered("/bin/sh", "-c", ":")
        with self._started(launcher, order, 1) as ids:
            self._eventually(lambda: not launcher.running(order.log_id), "it is gone")
            launcher.stop(ids)
            launcher.stop(ids)

            assert [] == list(launcher.running(order.log_id))

    @contextlib.contextmanager
    def _started(self, launcher: Launcher, order: WorkerOrder, n: int) -> Iterator[Sequence[str]]:
        """Start workers, and leave none behind."""
        try:
            yield launcher.start(order, n)
        finally:
            launcher.stop([one.id for one in launcher.running(order.log_id)])

    def _eventually(self, is_so: Callable[[], bool], what: str) -> None:
        ends_s = time.monotonic() + self.patience_s
        while not is_so():
            assert time.monotonic() < ends_s, f"not within {self.patience_s:g} s: {what}"
            time.sleep(_LOOK_S)


def ordered(*command: str) -> WorkerOrder:
    """Return an order for workers of a log of its own."""
    return WorkerOrder(log_id=f"contract{secrets.token_hex(8)}", command=command)


def working(folder: Path) -> WorkerOrder:
    """Return an order for workers that tell *folder* that they began, and how they ended."""
    return ordered("/bin/sh", "-c", _WORKING, "sh", str(folder))


def _marks(folder: Path, what: str) -> list[Path]:
    return list(folder.glob(f"{what}-*"))


def _told(one: Launched) -> tuple[str, str, bool]:
    return one.id, one.name, one.is_waiting
