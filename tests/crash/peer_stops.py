"""
Stores of events on PostgreSQL under appenders and followers in processes of their own.

``python -m tests.long peer-stops`` runs it on ours and on ``eventsourcing`` 9.5: its recorder for
dynamic consistency boundaries, its recorder of applications with its functions in the database, and
the same with its table lock. The server may be stopped meanwhile as if it had crashed. Followers
use each library's own way to follow, and go on where they were when they are disconnected.
"""

import json
import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

import attrs
import psycopg
from tests.postgres_server import PostgresServer

from autopack.log.log import Log
from autopack.ports.log import ANY
from autopack.testing.facts import paused
from autopack_postgres.database_address import parsed
from autopack_postgres.log_schemas import create_schema
from autopack_postgres.store import PostgresBackend

_SPAWNED: Final = multiprocessing.get_context("spawn")
_BEGIN_S: Final = 300.0
"""How long all processes together may take to begin."""
_END_S: Final = 60.0
"""How long a follower may take for what is left when nobody appends any more."""


class Store(Protocol):
    """One library's store, opened by one process."""

    def append(self) -> int:
        """Append an event and return its position once it is acknowledged."""

    def follow(self, after: int) -> Iterator[int]:
        """Yield positions as the library hands them out, and never end."""

    def positions(self) -> list[int]:
        """Return the positions of all that is stored."""

    def close(self) -> None:
        """Let go of its connections."""


class _Ours:
    def __init__(self, url: str, *, is_new: bool) -> None:
        if is_new:
            create_schema(parsed(url))
        self._log = Log(PostgresBackend(parsed(url)))

    def append(self) -> int:
        return self._log.append("s", [paused("x" * 200)], expected_version=ANY)[0].position

    def follow(self, after: int) -> Iterator[int]:
        for recorded in self._log.follow(after=after, until=lambda: False):
            yield recorded.position

    def positions(self) -> list[int]:
        return [recorded.position for recorded in self._log.read_all()]

    def close(self) -> None:
        self._log.close()


def _settings(url: str, module: str, *, is_new: bool) -> dict[str, str]:
    """Return what its factories ask of the environment; a database is made for new ones."""
    address = parsed(url)
    told = psycopg.conninfo.conninfo_to_dict(address.conninfo)
    if is_new:
        with psycopg.connect(address.conninfo, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {address.schema}")
    return {
        "PERSISTENCE_MODULE": module,
        "POSTGRES_DBNAME": address.schema,
        "POSTGRES_HOST": str(told["host"]),
        "POSTGRES_PORT": "5432",
        "POSTGRES_USER": "autopack",
        "POSTGRES_PASSWORD": "none",
        "POSTGRES_POOL_SIZE": "3",
        "CREATE_TABLE": "yes" if is_new else "no",
    }


class _Boundaries:
    def __init__(self, url: str, *, is_new: bool) -> None:
        from eventsourcing.dcb.api import DCBEvent
        from eventsourcing.dcb.persistence import DCBInfrastructureFactory

        made = DCBInfrastructureFactory.construct(
            _settings(url, "eventsourcing.dcb.postgres_tt", is_new=is_new)
        )
        self._factory: Any = made
        self._recorder = made.dcb_recorder()
        self._event = lambda: DCBEvent(type="paused", data=b"x" * 200, tags=["s"])

    def append(self) -> int:
        return self._recorder.append([self._event()])

    def follow(self, after: int) -> Iterator[int]:
        with self._recorder.subscribe(after=after or None) as news:
            for one in news:
                yield one.position

    def positions(self) -> list[int]:
        return [one.position for one in self._recorder.read()]

    def close(self) -> None:
        self._factory.close()


class _Applications:
    has_functions = False

    def __init__(self, url: str, *, is_new: bool) -> None:
        from eventsourcing.persistence import InfrastructureFactory, StoredEvent

        settings = _settings(url, "eventsourcing.postgres", is_new=is_new)
        settings["POSTGRES_ENABLE_DB_FUNCTIONS"] = "yes" if self.has_functions else "no"
        made: Any = InfrastructureFactory.construct(settings)
        self._factory = made
        self._recorder = made.application_recorder()
        self._event = lambda: StoredEvent(UUID(bytes=os.urandom(16)), 1, "paused", b"x" * 200)

    def append(self) -> int:
        (position,) = self._recorder.insert_events([self._event()])
        return int(position)

    def follow(self, after: int) -> Iterator[int]:
        with self._recorder.subscribe(gt=after or None) as news:
            for one in news:
                yield one.id

    def positions(self) -> list[int]:
        found: list[int] = []
        while page := self._recorder.select_notifications(found[-1] + 1 if found else 1, 5000):
            found += [one.id for one in page]
        return found

    def close(self) -> None:
        self._factory.close()


class _Functions(_Applications):
    has_functions = True


STORES: Final[dict[str, Callable[..., Store]]] = {
    "autopack": _Ours,
    "eventsourcing, boundaries": _Boundaries,
    "eventsourcing, functions": _Functions,
    "eventsourcing, table lock": _Applications,
}


@attrs.frozen(kw_only=True)
class Found:
    """What became of the events of one store: acknowledged, and handed to each follower."""

    stored: int
    acknowledged: int
    lost: int
    missed: tuple[int, ...]
    disordered: int
    stops: int

    @property
    def is_sound(self) -> bool:
        """Whether nothing was lost, left out or handed out of order."""
        return not (self.lost or any(self.missed) or self.disordered)

    def __str__(self) -> str:
        missed = "/".join(str(one) for one in self.missed)
        return (
            f"{self.stored} stored, {self.acknowledged} acknowledged, {self.lost} of them lost, "
            f"{missed} never handed to its followers, {self.disordered} handed out of order, "
            f"{self.stops} stops"
        )


def watch(
    server: PostgresServer,
    folder: Path,
    *,
    kind: str,
    appenders: int,
    followers: int,
    seconds: float,
    stops: int,
    seed: int = 0,
) -> Found:
    """Let processes append and follow for so many seconds, and stop the server meanwhile."""
    url = server.url("peer_" + "".join(letter for letter in kind if letter.isalpha()))
    with closing(STORES[kind](url, is_new=True)):
        pass
    is_over, draws = _SPAWNED.Event(), random.Random(seed)
    last, begun = _SPAWNED.Value("q", -1), _SPAWNED.Barrier(appenders + followers + 1)
    files = {
        work: [folder / f"{work.__name__}-{n}.json" for n in range(count)]
        for work, count in ((_append, appenders), (_follow, followers))
    }
    began = [
        _SPAWNED.Process(target=work, args=(kind, url, file, begun, is_over, last), daemon=True)
        for work, paths in files.items()
        for file in paths
    ]
    for process in began:
        process.start()
    begun.wait(_BEGIN_S)
    for _ in range(stops):
        time.sleep(seconds / stops * draws.uniform(0.5, 1.5))
        server.stop("immediate")
        server.start()
    time.sleep(2.0 if stops else seconds)
    is_over.set()
    for process in began[:appenders]:
        process.join(_END_S)
    with closing(STORES[kind](url, is_new=False)) as store:
        last.value = store.append()
        store.append()  # whoever was handed the last one too early is handed this one
        for process in began[appenders:]:
            process.join(_END_S)
        stored = {at for at in store.positions() if at <= last.value}
    assert not any(process.is_alive() for process in began), f"{kind}: a process hangs"
    told = {
        work.__name__: [json.loads(file.read_text()) for file in paths]
        for work, paths in files.items()
    }
    given = told["_follow"]
    acknowledged = [at for one in told["_append"] for at in one]
    return Found(
        stored=len(stored),
        acknowledged=len(acknowledged),
        lost=sum(at not in stored for at in acknowledged),
        missed=tuple(len(stored - set(one)) for one in given),
        disordered=sum(here <= before for one in given for before, here in pairwise(one)),
        stops=stops,
    )


def _append(kind: str, url: str, file: Path, begun: Barrier, is_over: Event, _last: Any) -> None:
    begun.wait(_BEGIN_S)
    acknowledged: list[int] = []

    def work(store: Store) -> None:
        while not is_over.is_set():
            acknowledged.append(store.append())

    _again_and_again(kind, url, work, is_over.is_set)
    file.write_text(json.dumps(acknowledged))


def _follow(kind: str, url: str, file: Path, begun: Barrier, _is_over: Event, last: Any) -> None:
    begun.wait(_BEGIN_S)
    given: list[int] = []

    def work(store: Store) -> None:
        for position in store.follow(given[-1] if given else 0):
            given.append(position)
            if 0 <= last.value <= position:
                return

    _again_and_again(kind, url, work, lambda: bool(given) and 0 <= last.value <= given[-1])
    file.write_text(json.dumps(given))


def _again_and_again(
    kind: str, url: str, work: Callable[[Store], None], is_done: Callable[[], bool]
) -> None:
    """Do it over new connections until it is done: a server that is away is no fault here."""
    while not is_done():
        try:
            with closing(STORES[kind](url, is_new=False)) as store:
                work(store)
        except Exception:  # each library has errors of its own for it
            time.sleep(0.05)
