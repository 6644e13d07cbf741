"""A read model whose reader is killed around the commit of its place."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import attrs

import autopack
from autopack.events import RunPaused
from autopack.types import SqlCursors

PLACES = ("handled", "saved", "committed", "before")
"""Where a reader is killed: amid a batch, before its commit, after it, before the first event."""
_BATCH = 3


@attrs.frozen(kw_only=True)
class Tally:
    """What a read model says after its readers were killed."""

    kills: int
    events: int
    lost: int
    twice: int


class Killed(SqlCursors):
    """Ends its process by SIGKILL at one place of the *nth* batch."""

    def __init__(self, connection, place, nth):
        self.place, self.nth, self.n = place, nth, 0
        super().__init__(connection)

    def look(self, place):
        """Die here, if this is the place."""
        if place == self.place and self.n == self.nth:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextlib.contextmanager
    def transaction(self):
        self.n += 1
        self.look("before")
        with super().transaction():
            yield
        self.look("committed")

    def save(self, name, place):
        super().save(name, place)
        self.look("saved")


def read(folder, place, nth, *, is_own):
    """Read on, until the end or until one is killed."""
    connection = sqlite3.connect(folder / "model.db", timeout=60)
    killed = Killed(connection, place, nth)

    def handle(recorded):
        connection.execute("INSERT INTO counted VALUES (?)", [recorded.position])
        if not is_own:
            connection.commit()
            killed.n += 1
            killed.look("committed")
        elif recorded.position % _BATCH == 2:
            killed.look("handled")

    with autopack.open_log(folder / "log.db") as log:
        cursors = killed if is_own else None
        log.subscribe("m", handle, batch=_BATCH, cursors=cursors)


def kill_many(folder, *, kills, is_own=True):
    """Kill a reader so often, at each place by turns, then let it come to its end."""
    n = 2 * _BATCH * kills + _BATCH
    with autopack.create_log(folder / "log.db") as log:
        events = [RunPaused(run_id="r", actor="a", why=f"reason {k}") for k in range(n)]
        log.append("s", events, expected_version=0)
    with contextlib.closing(sqlite3.connect(folder / "model.db")) as model:
        model.execute("CREATE TABLE counted (position)")
    done = 0
    for k in range(kills):
        place = PLACES[k % len(PLACES)] if is_own else "committed"
        done += _run(folder, place, 2 + k % 2, is_own) == -signal.SIGKILL
    assert 0 == _run(folder, "never", 0, is_own)
    with contextlib.closing(sqlite3.connect(folder / "model.db")) as model:
        found = Counter(row[0] for row in model.execute("SELECT position FROM counted"))
    lost = n - len(found)
    return Tally(kills=done, events=n, lost=lost, twice=found.total() - len(found))


def _run(folder, place, nth, is_own):
    program = (
        "import sys; from pathlib import Path; from tests.crash.read_models import read\n"
        "read(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), is_own=sys.argv[4] == 'own')\n"
    )
    own = "own" if is_own else "log"
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", program, str(folder), place, str(nth), own],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=False, timeout=100,
    ).returncode  # fmt: skip
