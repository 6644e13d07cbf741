"""What an event store's own contract suite asks for, through an adapter of a few lines."""

import threading

import pytest

from autopack import create_log, event, hookimpl, load_plugins
from autopack.errors import VersionConflictError
from autopack.ports.log import ANY


@event("opaque.stored")
class Opaque:
    """Bytes that mean something to somebody else."""

    topic: str
    state: bytes


class Store:
    """The adapter: events are (topic, bytes), a list is a stream."""

    def __init__(self, log):
        self.log = log

    def insert(self, stream, events, expected):
        facts = [Opaque(topic=topic, state=state) for topic, state in events]
        version = ANY if expected is None else expected
        return [r.position for r in self.log.append(stream, facts, expected_version=version)]

    def select(self, stream, *, after=0, upto=None, limit=None):
        found = [
            (r.version, r.event.topic, r.event.state)
            for r in self.log.read(stream, after_version=after)
            if upto is None or r.version <= upto
        ]
        return found[:limit]

    def notifications(self, start, limit, stop=None):
        return [
            (r.position, r.event.topic, r.event.state)
            for r in self.log.read_all(after=start - 1, until=stop, limit=limit)
        ]


class _Plugin:
    @hookimpl
    def autopack_register_events(self, register):
        register(Opaque)


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    """An adapted store over each backend."""
    target = tmp_path / "log.db" if request.param == "file" else "memory:"
    with create_log(target, plugins=load_plugins(extra=[_Plugin()])) as log:
        yield Store(log)


def test_positions_are_exactly_one_two_three(store):
    """Inserts answer with their positions, without a gap over streams."""
    assert [1, 2] == store.insert("a", [("t", b"\x00\xff"), ("t", b"")], 0)
    assert [3] == store.insert("b", [("u", b"3")], 0)
    assert [(1, "t", b"\x00\xff"), (2, "t", b""), (3, "u", b"3")] == store.notifications(1, 10)


def test_a_conflict_inserts_nothing(store):
    """A version that is taken is refused, and positions go on without a gap."""
    store.insert("a", [("t", b"1")], 0)
    with pytest.raises(VersionConflictError):
        store.insert("a", [("t", b"x"), ("t", b"y")], 0)

    assert [2] == store.insert("a", [("t", b"2")], 1)
    assert [(1, "t", b"1"), (2, "t", b"2")] == store.select("a")


def test_ranges_and_limits(store):
    """Streams and the whole log are read in parts."""
    store.insert("a", [("t", bytes([n])) for n in range(5)], 0)

    assert [2, 3] == [version for version, _t, _s in store.select("a", after=1, upto=3)]
    assert [1, 2] == [version for version, _t, _s in store.select("a", limit=2)]
    assert [2, 3, 4] == [position for position, _t, _s in store.notifications(2, 3)]
    assert [2, 3] == [position for position, _t, _s in store.notifications(2, 10, stop=3)]
    assert [] == store.notifications(6, 10)
    assert [] == store.select("nothing")


def test_threads_share_one_log_while_it_is_read(store):
    """Several threads insert, others read; nobody sees a gap, and nothing is lost."""
    gaps = []
    is_done = threading.Event()

    def write(name):
        for n in range(25):
            store.insert(name, [("t", f"{name}-{n}".encode())] * 2, 2 * n)

    def read():
        while not is_done.is_set():
            seen = [position for position, _t, _s in store.notifications(1, 1000)]
            if seen != list(range(1, len(seen) + 1)):
                gaps.append(seen)

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in writers:
        thread.join()
    is_done.set()
    for thread in readers:
        thread.join()

    assert [] == gaps
    assert 200 == len(store.notifications(1, 1000))
    for name in "abcd":
        assert list(range(1, 51)) == [version for version, _t, _s in store.select(name)]


def test_large_states_come_back(store):
    """A megabyte of any bytes is stored and read back."""
    state = bytes(range(256)) * 4096
    store.insert("a", [("t", state)], 0)

    assert [(1, "t", state)] == store.select("a")
