"""A log in memory costs what it holds, whoever reads it."""

import pytest

from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log, journal_of
from autopack.ports.backend import Checkpoint
from autopack.testing.facts import paused, queued


class _Counted(list):
    """A list that counts the items that it hands out."""

    handed = 0

    def __getitem__(self, place):
        found = super().__getitem__(place)
        self.handed += len(found) if isinstance(place, slice) else 1
        return found


def _log(n):
    log = Log(MemoryBackend())
    for start in range(0, n, 1000):
        facts = [queued(str(k)) if k % 10 else paused(str(k)) for k in range(start, start + 1000)]
        log.append("s", facts, expected_version=start)
    rows = journal_of(log).backend._tables.rows
    rows.all = _Counted(rows.all)
    return log


@pytest.mark.parametrize("types", [None, ("run.paused",), ("run.created",)])
def test_reading_it_page_by_page_touches_each_event_once(types):
    """Pages of some types, too, look at each row once, however long the log is."""
    for n in (4000, 16_000):
        log = _log(n)
        found = sum(map(len, journal_of(log).pages(types=types, size=100)))

        assert {None: n, ("run.paused",): n // 10, ("run.created",): 0}[types] == found
        assert journal_of(log).backend._tables.rows.all.handed <= 2 * n


def test_a_snapshot_copies_no_events():
    """Taking one and reading its head touches one row."""
    log = _log(4000)
    with journal_of(log).backend.snapshot() as reader:
        assert 4000 == reader.head().position

    assert journal_of(log).backend._tables.rows.all.handed <= 2


def test_what_is_beside_the_events_is_copied_once_for_a_snapshot_at_most():
    """Saves beside an open snapshot copy a map once, and later ones change it in place."""
    backend = MemoryBackend()

    def save(number):
        place = Checkpoint(view="v", version=1, position=number)
        with backend.transaction() as store:
            store.save_view(place, {str(number): "1"}, replace=False)

    save(1)
    first = backend._tables.view_rows["v"].data
    save(2)
    with backend.snapshot() as reader:
        save(3)
        copied = backend._tables.view_rows["v"].data
        save(4)
        held = reader.view_rows("v")

    assert {"1": "1", "2": "1"} == held == first
    assert copied is backend._tables.view_rows["v"].data
    assert ["1", "2", "3", "4"] == list(backend.view_rows("v"))
