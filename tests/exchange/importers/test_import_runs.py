"""An import under way: whole batches, one look for each id, and nothing lost to a kill."""

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from autopack import create_log, import_history, open_log
from autopack.events import LlmUsageRecorded
from autopack.events.usage import usage_id
from autopack.log.backends.sqlite.transaction import SqliteTransaction
from autopack.log.log import journal_of
from autopack.ports.importing import ImportSource
from autopack.ports.log import NewEvent

_CALLS = 30_000


class Calls:
    """Hands on so many calls, as a source whose events are known by their ids."""

    name = "calls"

    def __init__(self, count, told_at=None):
        self.count, self.told_at = count, told_at or (lambda number: None)

    def recognises(self, path):
        return False

    def read(self, path):
        return ImportSource(events=map(self.call, range(self.count)), known_by_id=True)

    def call(self, number):
        self.told_at(number)
        event = LlmUsageRecorded(call_id=f"c{number}", provider="x", output_tokens=1)
        return "import", NewEvent(event=event, event_id=usage_id("x", f"c{number}"))


def committed(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute("SELECT count(*) FROM events").fetchone()[0]


def test_each_id_is_looked_for_once(tmp_path, monkeypatch):
    """Events that are new cost one question each: what was not there a moment ago is not now."""
    asked, find = [], SqliteTransaction.find

    def counting(self, event_ids):
        asked.extend(event_ids)
        return find(self, event_ids)

    monkeypatch.setattr(SqliteTransaction, "find", counting)
    with create_log(tmp_path / "log.db") as log:
        report = import_history(log, Calls(5_000), tmp_path)

    assert (5_000, 5_000, 5_000) == (report.added, len(asked), len(set(asked)))


def test_the_writer_is_as_before_after_an_import(tmp_path):
    """What an import asks of SQLite for its own sake ends with it, also where it fails."""

    def writers_own(log):
        with journal_of(log).backend.transaction() as transaction:
            pragmas = ("cache_size", "wal_autocheckpoint")
            return [transaction._all(f"PRAGMA {name}")[0][0] for name in pragmas]

    def broken(number):
        if number == 10:
            raise RuntimeError("no more")

    with create_log(tmp_path / "log.db") as log:
        before = writers_own(log)
        import_history(log, Calls(10), tmp_path)
        with pytest.raises(RuntimeError):
            import_history(log, Calls(20, broken), tmp_path)

        assert before == writers_own(log)


def test_the_collector_is_as_before_after_an_import(tmp_path):
    """It looks less often meanwhile, and as it did afterwards, also after a failure."""
    before, during = gc.get_threshold(), []

    def told_at(number):
        during.append(gc.get_threshold()[0])
        if number == 10:
            raise RuntimeError("no more")

    with create_log("memory:") as log, pytest.raises(RuntimeError):
        import_history(log, Calls(20, told_at), tmp_path)

    assert before == gc.get_threshold()
    assert min(during) > before[0]


def test_progress_is_told_after_each_part(tmp_path):
    """With the report by then: each part is recorded when it is told."""
    told = []
    with create_log("memory:") as log:
        report = import_history(
            log,
            Calls(25_000),
            tmp_path,
            progress=lambda by_then: told.append(
                (by_then.read, by_then.added, log.head().position)
            ),
        )

    assert [(n, n, n) for n in (10_000, 20_000, 25_000)] == told
    assert 25_000 == report.read


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_kill_leaves_whole_batches_and_the_next_import_takes_the_rest(tmp_path):
    """An import that is killed leaves a sound log; another one adds just what is missing."""
    path = tmp_path / "log.db"
    create_log(path).close()
    code = (
        "import sys; from autopack import import_history, open_log;"
        f"sys.path.insert(0, {os.path.dirname(__file__)!r});"
        "from test_import_runs import Calls, _CALLS;"
        f"import_history(open_log({str(path)!r}), Calls(_CALLS), '/')"
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    while committed(path) == 0 and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = committed(path)
    with open_log(path) as log:
        faults = log.verify().faults
        report = import_history(log, Calls(_CALLS), tmp_path)
        again = import_history(log, Calls(_CALLS), tmp_path)

    assert 0 < before <= _CALLS
    assert ((), _CALLS, 0) == (faults, before + report.added, again.added)
