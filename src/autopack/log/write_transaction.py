"""One write transaction: ids, expected versions, positions and the hash chain."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from autopack.errors import (
    EventIdConflictError,
    InvalidInputError,
    LogDamagedError,
    VersionConflictError,
)
from autopack.format.as_of_moments import Count, held
from autopack.format.chain import Chain, link_row
from autopack.log.deduplication import answer, check_same, firsts_of, told_first
from autopack.log.drafts import Draft, Drafter
from autopack.ports.backend import Transaction
from autopack.ports.log import ANY, Entry, Recorded, Row
from autopack.values.bounds import STREAM_LONGEST, us_fault
from autopack.values.ids import check_name, uuid7_series

PAGE: Final = 1000
"""How many rows are read or stored at once."""


class UpcastFirst(Exception):
    """Rows that only a plugin can bring to today's shape; nothing was written."""

    def __init__(self, rows: Collection[Row]) -> None:
        super().__init__(f"{len(rows)} events are of an older schema")
        self.rows = rows


class JournalTransaction:
    """
    One write transaction: what is appended here is seen by others all at once, or never.

    Args:
        store: The backend's transaction.
        drafter: Makes of what is given what is stored.
        target: How the log is named to people.
        seed: The hash that stands before position 1.
        now_us: The clock, in microseconds since 1970 UTC.
    """

    def __init__(
        self,
        store: Transaction,
        drafter: Drafter,
        *,
        target: str,
        seed: bytes,
        now_us: Callable[[], int],
    ) -> None:
        self.store = store
        self.appended: list[Recorded[Any]] = []
        self.upcast: Mapping[bytes, Recorded[Any]] = {}
        """Events of an older schema, by id, that were decoded before it began."""
        self._absent: set[bytes] = set()  # looked for in vain, since it last appended
        self._drafter, self._target, self._seed, self._now_us = drafter, target, seed, now_us

    def append_batch(self, entries: Sequence[Entry]) -> list[Recorded[Any]]:
        """Append to several streams; see :meth:`Journal.append_batch`."""
        texts: dict[str, bytes] = {}
        draft = self._drafter.draft
        for stream, _events, _expected in entries:
            check_stream(stream)
        drafts = [
            [draft(stream, event, texts) for event in events]
            for stream, events, _expected in entries
        ]
        firsts = firsts_of([draft for some in drafts for draft in some])
        known = self._known(firsts)
        told: set[bytes] = set()
        is_repeated = bool(firsts) and len(firsts) < sum(map(len, drafts))
        before = self.store.stream_versions(list(dict.fromkeys(entry[0] for entry in entries)))
        versions = dict(before)
        fresh: list[Draft] = []
        for (stream, events, expected), some in zip(entries, drafts, strict=True):
            new = [d for d in some if d.event_id not in known] if known else some
            missing = told_first(new, told) if is_repeated else new
            if events and not missing:
                continue  # all of it is recorded: the first answer holds, wherever the stream is
            if len(new) < len(some) and expected is not ANY:
                first = next(known[d.event_id] for d in some if d.event_id in known)
                raise EventIdConflictError(
                    first.event_id,
                    position=first.position,
                    differs="list of events, in part new, under a checked version",
                )
            if expected is not ANY and expected != versions[stream]:
                raise VersionConflictError(stream, expected=expected, actual=versions[stream])
            versions[stream] += len(missing)
            fresh += missing
        for digest, content in texts.items():
            self.store.put_artifact(digest, content)
        stored = self._store(fresh, before)
        if len(stored) == sum(map(len, drafts)):  # none was told before
            return stored
        left, answers = iter(stored), dict[bytes | None, Recorded[Any]](known)
        return [answer(draft, answers, left) for some in drafts for draft in some]

    def take_over(
        self, origin_id: str, rows: Iterable[Row], *, last: bytes | None
    ) -> Iterator[Row]:
        """
        Store rows as another log stored them, with positions, times and hashes, and yield them.

        Args:
            origin_id: What seeds their chain.
            rows: All of them, from the first.
            last: What :meth:`Journal.last_hash` said of them before.

        Raises:
            LogDamagedError: They are not one chain from *origin_id*, they have changed since they
                were looked through, or this log has events.
        """
        if self.store.head().position:
            raise LogDamagedError(self._target, "only an empty log takes another one's events over")
        self.store.adopt_origin(origin_id)
        chain, count = Chain(origin_id), Count()
        waiting: list[Row] = []
        for row in rows:
            if fault := chain.fault(row) or self._drafter.taking_fault(row):
                raise LogDamagedError(self._target, f"position {row[0]} was not taken: {fault}")
            count.add(row[7])
            waiting.append(row)
            if len(waiting) == PAGE:
                self.store.insert(waiting)
                waiting = []
            yield row
        self.store.insert(waiting)
        if last is not None and last != self.store.head().hash:
            raise LogDamagedError(self._target, "what was read changed while it was read")
        for hold in count.holds:
            self.store.hold_clock(hold)

    def find(self, event_ids: Sequence[bytes]) -> list[Recorded[Any]]:
        """Return the events of those ids that are recorded by now."""
        found = self.store.find(event_ids)
        self._absent.update(one for one in event_ids if one not in found)
        return self._decoded(found.values())

    def put_artifact(self, text: str) -> str:
        """Store a text beside the log and return its digest."""
        digest, content = self._drafter.packed(text)
        self.store.put_artifact(digest, content)
        return digest

    def _known(self, firsts: Mapping[bytes, Draft]) -> dict[bytes | None, Recorded[Any]]:
        """Return those that are recorded, by id; one with other content is refused."""
        asked = firsts.keys() - self._absent if self._absent else firsts.keys()
        if not asked:
            return {}
        rows = self.store.find(asked)
        for event_id, row in rows.items():
            if row[4] != firsts[event_id].type:  # so its event need not be looked at
                check_same(firsts[event_id], Recorded(row, None))
        found = {known.event_id: known for known in self._decoded(rows.values())}
        for event_id, known in found.items():
            check_same(firsts[event_id], known)
        return dict(found.items())

    def _decoded(self, rows: Iterable[Row]) -> list[Recorded[Any]]:
        """
        Return stored events.

        Raises:
            UpcastFirst: A plugin's function is to be called for some, and was not yet.
        """
        todays: list[Row] = []
        old: list[Row] = []
        for row in rows:
            (old if self._drafter.is_upcast(row) else todays).append(row)
        if late := [row for row in old if row[1] not in self.upcast]:
            raise UpcastFirst(late)
        return [*self._drafter.decode_rows(todays), *(self.upcast[row[1]] for row in old)]

    def _store(self, drafts: Sequence[Draft], versions: dict[str, int]) -> list[Recorded[Any]]:
        if not drafts:
            return []
        head = self.store.head()
        position, before = head.position, head.hash or self._seed
        now = _checked(self._now_us())
        if now < head.as_of and (hold := held(self.store, position, head.as_of, now, len(drafts))):
            self.store.hold_clock(hold)
        rows: list[Row] = []
        for draft, new_id in zip(drafts, _ids(now, len(drafts)), strict=True):
            stream, type_name, meta, data = draft.stream, draft.type, draft.meta, draft.data
            event_id, schema = draft.event_id or new_id, draft.schema
            occurred = now if draft.occurred_us is None else draft.occurred_us
            versions[stream] = version = versions[stream] + 1
            position += 1
            before = link_row(
                before, position, event_id, stream, version, type_name, schema,
                occurred, now, meta, data,
            )  # fmt: skip
            rows.append((
                position, event_id, stream, version, type_name, schema,
                occurred, now, meta, data, before,
            ))  # fmt: skip
        self.store.insert(rows)
        self._absent.clear()
        stored = list(map(Recorded, rows, [draft.event for draft in drafts]))
        self.appended += stored
        return stored


def _checked(now_us: int) -> int:
    """Return what the clock says, if a log can hold it."""
    if fault := us_fault(now_us):
        raise InvalidInputError(
            f"The clock is wrong: {fault}. Nothing was recorded; set it.",
            name="clock",
            value=now_us,
        )
    return now_us


def _ids(now_us: int, n: int) -> list[bytes]:
    return uuid7_series(now_us // 1000, os.urandom(10), n)


def check_stream(stream: str) -> None:
    """Return if it names a stream."""
    check_name("stream", stream, longest=STREAM_LONGEST)
