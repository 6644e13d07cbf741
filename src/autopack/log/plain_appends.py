"""
Appends that a backend can do in one go, where nothing has to be looked up before.

That is most of them. A backend with ``append_at_once`` (:class:`autopack.ports.backend.AtOnce`) is
asked first; what it leaves, a transaction does, which also says what is wrong.
"""

import os
from collections.abc import Sequence
from typing import Any

from autopack.log.deduplication import firsts_of
from autopack.log.drafts import Draft, Drafter
from autopack.log.write_transaction import check_stream
from autopack.ports.backend import AtOnce, Unplaced
from autopack.ports.log import ANY, Entry, Recorded
from autopack.values.ids import uuid7_series


def append_plainly(
    backend: AtOnce, drafter: Drafter, entries: Sequence[Entry]
) -> list[Recorded[Any]] | None:
    """Return the events as recorded; None if it takes a transaction, and nothing was done."""
    streams = [stream for stream, _events, _expected in entries]
    if len(set(streams)) < len(streams):
        return None
    for stream in streams:
        check_stream(stream)
    texts: dict[str, bytes] = {}
    drafts = [
        drafter.draft(stream, event, texts)
        for stream, events, _expected in entries
        for event in events
    ]
    absent = list(firsts_of(drafts))
    if texts or not drafts or len(absent) < sum(d.event_id is not None for d in drafts):
        return None
    expected = {stream: version for stream, _events, version in entries if version is not ANY}
    rows = _unplaced(drafts, backend.clock())
    placed = backend.append_at_once(rows, expected=expected, absent=absent)
    return None if placed is None else list(map(Recorded, placed, [d.event for d in drafts]))


def _unplaced(drafts: Sequence[Draft], now_s: float) -> list[Unplaced]:
    ids = uuid7_series(int(now_s * 1000), os.urandom(10), len(drafts))
    return [
        (draft.event_id or new_id, draft.stream, draft.type, draft.schema, draft.occurred_us,
         draft.meta, draft.data)
        for draft, new_id in zip(drafts, ids, strict=True)
    ]  # fmt: skip
