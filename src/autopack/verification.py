"""Looks for every row of a log that is not as it was written."""

import struct
from collections.abc import Iterator
from typing import Any, Final

import attrs

from autopack import chain
from autopack.errors import InvalidInputError, LogError
from autopack.ports.log import Backend

_PAGE: Final = 1000
_INTS: Final = (0, 3, 5, 6, 7)
_BYTES: Final = (1, 2, 4, 8, 9, 10)


@attrs.frozen
class Fault:
    """One thing that is wrong; the position is None for what concerns the file as a whole."""

    position: int | None
    what: str


@attrs.frozen(kw_only=True)
class Verification:
    """What a check found: how many events, the head, and every fault."""

    events: int
    head: int
    head_hash: str
    faults: tuple[Fault, ...]

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.faults


def verify(backend: Backend, *, expect: tuple[int, str] | None = None) -> Verification:
    """
    Check the chain, the order of positions, versions and times, and the storage itself.

    Goes on past damage; each fault names its position. Without an anchor a cut tail or a chain
    that was rewritten whole cannot be seen; *expect* (position, hash) is such an anchor.
    """
    before = chain.seed(backend.identity.origin_id)
    faults = [Fault(None, text) for text in backend.storage_faults()]
    versions: dict[bytes, int] = {}
    events, position, last_us, anchored = 0, 0, 0, expect is None or expect[0] == 0
    for row in _rows(backend, faults):
        events += 1
        if row[0] != position + 1:
            gap = f"positions {position + 1} to {row[0] - 1} are missing"
            faults.append(Fault(position + 1, gap))
        position = row[0]
        if odd := _odd_values(row):
            faults += [Fault(position, what) for what in odd]
            before = row[10] if isinstance(row[10], bytes) else before
            continue
        if versions.get(row[2], 0) + 1 != row[3]:
            expected = versions.get(row[2], 0) + 1
            faults.append(Fault(position, f"it has version {row[3]} of its stream, not {expected}"))
        versions[row[2]] = row[3]
        if row[7] < last_us:
            faults.append(Fault(position, "it was recorded before its predecessor"))
        last_us = row[7]
        if row[10] != _hash(before, row):
            faults.append(Fault(position, "its hash does not fit what is stored"))
        before = row[10]
        if expect is not None and position == expect[0]:
            anchored = True
            if before.hex() != expect[1].lower():
                faults.append(Fault(position, f"its hash is {before.hex()}, not {expect[1]}"))
    if not anchored and expect is not None:
        faults.append(Fault(expect[0], f"it is missing: the log ends at {position}"))
    head_hash = before.hex() if events else ""
    return Verification(events=events, head=position, head_hash=head_hash, faults=tuple(faults))


def parse_anchor(text: str) -> tuple[int, str]:
    """Return the position and hash of ``POSITION:HASH``."""
    position, colon, digest = text.partition(":")
    if not (colon and position.isdigit() and len(digest) == 64):
        raise InvalidInputError(
            f"{text!r} is not POSITION:HASH, with the head and head hash of `autopack log info`."
        )
    return int(position), digest


def _rows(backend: Backend, faults: list[Fault]) -> Iterator[tuple[Any, ...]]:
    """Yield rows as bytes; where a page cannot be read, row by row up to the last given one."""
    after, size = 0, _PAGE
    last = backend.last_given()
    while True:
        try:
            rows = backend.raw_rows(after=after, limit=size)
        except LogError as fault:
            if size > 1:
                size = 1
                continue
            after += 1
            faults.append(Fault(after, f"it cannot be read: {fault}"))
            if after >= last:
                return
            continue
        if not rows:
            return
        yield from rows
        after = rows[-1][0]


def _odd_values(row: tuple[Any, ...]) -> list[str]:
    odd = [f"column {i} is no integer" for i in _INTS if not isinstance(row[i], int)]
    odd += [f"column {i} holds no bytes" for i in _BYTES if not isinstance(row[i], bytes)]
    return odd


def _hash(before: bytes, row: tuple[Any, ...]) -> bytes:
    try:
        return chain.link(
            before,
            position=row[0],
            event_id=row[1],
            stream=row[2],
            version=row[3],
            type=row[4],
            schema=row[5],
            occurred_at=row[6],
            recorded_at=row[7],
            meta=row[8],
            data=row[9],
        )
    except struct.error:  # a number that no row could have been written with
        return b""
