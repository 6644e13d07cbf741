"""The benchmarks run; their figures are for the one who asks for them."""

import gc
from itertools import islice

import attrs
import pytest
from tests.benchmarks import (
    appending,
    growth,
    postgres,
    queueing,
    server_growth,
    slow_disk,
    starting,
    texts,
    worker_counts,
)
from tests.benchmarks.__main__ import BENCHMARKS, measure
from tests.benchmarks.filling import history
from tests.benchmarks.measuring import (
    OURS,
    PEER,
    RAW,
    compared_row,
    in_turns,
    process_s,
    ratio,
    table,
)
from tests.benchmarks.peer import PeerLog, same_events
from tests.postgres_server import need_postgres, shared_server

from autopack.log.backends.sqlite.log_files import connect, create_file

ON_SERVERS = ("postgres", "queue")


@pytest.mark.slow
def test_phases_are_measured_beside_jobs():
    """A few of each, by one process that is ready before the time begins."""
    need_postgres()
    (row,) = queueing.rows(processes=1, workers=2, n=4, rounds=1)

    assert row.ours.endswith("/s")
    assert "x procrastinate" in row.beside


@pytest.mark.slow
@pytest.mark.parametrize("takes_s", [0.0, 0.05])
def test_a_phase_is_measured_as_more_take_them(takes_s):
    """Each phase is five events, whoever takes it, beside those of the drain itself."""
    need_postgres()
    found = list(worker_counts.rows(counts=(1, 2), slots=1, n=4, takes_s=takes_s))

    assert [len(worker_counts.HEADER)] * 2 == [len(row) for row in found]
    assert ["1", "2"] == [row[0] for row in found]
    assert all(5 <= float(row[-1]) < 8 for row in found)


@pytest.mark.slow
def test_appends_to_a_server_are_measured_on_this_disk_and_on_a_slow_one():
    """Each row says what a sync took; that of the slow disk is as long as those are held up."""
    need_postgres()
    told = list(postgres.rows(writers=2, rounds=1, seconds=1))
    syncs = [float(row.what.split()[-4]) for row in told]

    assert 2 == len(syncs)
    assert syncs[1] >= slow_disk.REST_US / 1000


@pytest.mark.slow
def test_a_log_on_a_server_is_measured_as_it_grows():
    """The server copies what was appended, and the log is sound at each size."""
    need_postgres()
    rows = list(server_growth.grow(shared_server(), 5_000, first=500, seconds=1))

    assert [len(server_growth.HEADER)] * 2 == [len(row) for row in rows]
    assert ("500", True) == (rows[0][0], int(rows[1][0].replace(",", "")) >= 5_000)


@pytest.mark.slow
def test_every_row_is_measured(tmp_path, monkeypatch):
    """A small run gives a line for each figure, the peer's beside ours where there is one."""
    monkeypatch.setattr(gc, "collect", int)  # a figure is asked for, and need not be a good one
    monkeypatch.setattr(appending, "_TURNS", 3)
    monkeypatch.setattr(starting, "process_s", lambda *words, **_: process_s(*words, tries=1))
    rows = list(measure(tmp_path, 500, [name for name in BENCHMARKS if name not in ON_SERVERS]))
    beside_peer = [row for row in rows if f"x {PEER}" in row.beside]

    assert 27 == len({row.what for row in rows})
    assert 29 == len(table(rows).splitlines())
    assert 4 == len(beside_peer)
    for row in beside_peer:
        assert [True] * 3 == [cell.endswith("/s") for cell in (row.ours, row.raw, row.peer)]
        assert f"x {RAW}" in row.beside
    assert table(rows).startswith(f"| what | {OURS} | {RAW} | {PEER} |")


@pytest.mark.slow
def test_growth_is_measured_tenfold_at_a_time(tmp_path):
    """The first size gives a row with a figure in each column."""
    (row,) = growth.grow(tmp_path / "log.db", 10_000)

    assert "10,000" == row[0]
    assert 10 == len(row)


def test_kinds_of_work_have_their_turns_one_after_the_other():
    """Each turn meets every kind, so that a busy moment does."""
    met = []
    kinds = {name: lambda turn, name=name: met.append((turn, name)) for name in (OURS, RAW)}

    assert {OURS: 2, RAW: 2} == {name: len(took) for name, took in in_turns(kinds, 2).items()}
    assert [(0, OURS), (0, RAW), (1, OURS), (1, RAW)] == met


def test_a_ratio_is_the_median_of_the_turns():
    """One turn that another program disturbed does not count."""
    took = {OURS: [1.0, 1.0, 100.0], RAW: [0.5, 0.5, 0.5], PEER: [4.0, 2.0, 4.0]}
    row = compared_row("reads", took, n=10, least={RAW: 0.5, PEER: 3})

    assert (0.5, 2.0) == (ratio(took, RAW), ratio(took, PEER))
    assert ("10/s", "20/s", "2/s") == (row.ours, row.raw, row.peer)
    assert not row.holds


class TestPeer:
    """The peer stores the same events as durably, and gives them back."""

    def test_its_events_have_the_same_fields(self, tmp_path):
        """Every field of ours is there with its value, after its own way through the file."""
        given = list(islice(history(20), 20))
        log = PeerLog(tmp_path / "peer.db")
        log.append(list(same_events(given)))
        read = list(log.read_all(size=7))
        log.close()

        assert [stream for stream, _event in given] == [event.originator_id for event in read]
        for (_stream, ours), theirs in zip(given, read, strict=True):
            for field in attrs.fields(type(ours)):
                value = getattr(ours, field.name)
                value = list(value) if isinstance(value, tuple) else value
                assert value == getattr(theirs, field.name)

    def test_it_is_as_durable(self, tmp_path):
        """Its connections have the journal and the syncs that ours have."""
        create_file(tmp_path / "ours.db")
        ours = connect(tmp_path / "ours.db")
        pragmas = [
            ours.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        ]
        ours.close()
        log = PeerLog(tmp_path / "peer.db")
        log.append(list(same_events(history(1))))

        assert tuple(pragmas) == log.pragmas()
        log.close()


def test_work_on_texts_is_measured_by_the_megabyte():
    """A row for each work, with what it takes longest for."""
    rows = list(texts.rows(0.01))

    assert list(texts.WORK) == [work for work, _ms, _worst in rows]
    assert all(ms >= 0 for _work, ms, _worst in rows)
