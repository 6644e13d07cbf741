"""Looks for every row of a log that is not as it was written."""

import contextlib
import struct
from collections.abc import Iterator
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError, LogDamagedError, LogError
from autopack.format.as_of_moments import Count
from autopack.format.chain import link, seed
from autopack.ports.backend import Backend

_PAGE: Final = 1000
_BEFORE_ALL: Final = -(2**63)
_INTS: Final = (0, 3, 5, 6, 7)
_BYTES: Final = (1, 2, 4, 8, 9, 10)


@attrs.frozen
class Fault:
    """One thing that is wrong; the position is None for what concerns the file as a whole."""

    position: int | None
    what: str


@attrs.frozen(kw_only=True)
class Verification:
    """
    What a check found: how many events, the head, and every fault.

    ``signed_until`` is up to which position the key that was asked for has signed; 0 is nothing.
    """

    events: int
    head: int
    head_hash: str
    faults: tuple[Fault, ...]
    signed_until: int | None = None

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.faults


def verify(
    backend: Backend, *, expect: tuple[int, str] | None = None, after: int = 0
) -> Verification:
    """
    Check the chain, the order of positions and versions, what clocks said, and the storage.

    All of it is of one moment, so that a log in use is judged as it stood then. Goes on past
    damage; each fault names its position. Without an anchor a cut tail or a chain
    that was rewritten whole cannot be seen; *expect* (position, hash) is such an anchor.
    With *after*, only the events after that position are looked at, and the storage is not.
    """
    with one_moment(backend):
        return _verified(backend, expect, after)


@contextlib.contextmanager
def one_moment(backend: Backend) -> Iterator[None]:
    """Let all that is read in the block be of one moment, as far as damage allows."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(backend.snapshot())
        except LogError as fault:
            if type(fault) not in (LogError, LogDamagedError):
                raise  # it is closed or busy, which says nothing of what is stored
        yield


def _verified(backend: Backend, expect: tuple[int, str] | None, after: int) -> Verification:
    faults = [] if after else [Fault(None, text) for text in backend.storage_faults()]
    last_given = _last_given(backend, faults)
    check = _Check(_before(backend, after), faults, expect, after=after)
    last = last_given or (expect[0] if expect else 0)
    for row in _rows(backend, faults, after or _BEFORE_ALL, last):
        check.take(row)
    if last_given is not None and last_given > check.position:
        given = f"it was given, as were all up to {last_given}, but the log ends before it"
        faults.append(Fault(check.position + 1, given))
    elif last_given is not None and last_given < check.position:
        faults.append(Fault(last_given + 1, "it is there, but was never given"))
    if expect is not None and expect[0] > check.position:
        faults.append(Fault(expect[0], f"it is missing: the log ends at {check.position}"))
    if not (after or faults):  # what is counted wrong beside that says nothing more
        faults += _miscounted(backend, check.count)
    return Verification(
        events=check.events,
        head=check.position,
        head_hash=check.before.hex() if check.events else "",
        faults=tuple(faults),
    )


class _Check:
    """Takes rows in order of position and notes what does not follow from the one before."""

    def __init__(
        self, before: bytes, faults: list[Fault], expect: tuple[int, str] | None, *, after: int
    ) -> None:
        self.before, self.events, self.position = before, 0, after
        self._is_partial = after > 0
        self._faults, self._expect = faults, expect
        self._versions: dict[bytes, int] = {}
        self.count = Count()

    def take(self, row: tuple[Any, ...]) -> None:
        """Check one row against the one before, then stand on it."""
        if row[0] < 1:
            self._faults.append(Fault(row[0], "no event stands before position 1"))
            return
        self.events += 1
        if row[0] != self.position + 1:
            missing = f"positions {self.position + 1} to {row[0] - 1} are missing"
            self._faults.append(Fault(self.position + 1, missing))
        self.position = row[0]
        for what in self._wrong(row):
            self._faults.append(Fault(self.position, what))
        if isinstance(row[10], bytes):
            self.before = row[10]
        if self._expect is not None and self.position == self._expect[0]:
            self._compare(self._expect[1])

    def _wrong(self, row: tuple[Any, ...]) -> Iterator[str]:
        if odd := _odd_values(row):
            yield from odd
            return
        expected = self._versions.get(row[2], row[3] - 1 if self._is_partial else 0) + 1
        if row[3] != expected:
            yield f"it has version {row[3]} of its stream, not {expected}"
        self._versions[row[2]] = row[3]
        if not self._is_partial:
            self.count.add(row[7])
        if row[10] != _hash(self.before, row):
            yield "its hash does not fit what is stored"

    def _compare(self, expected: str) -> None:
        if self.before.hex() != expected.lower():
            different = f"its hash is {self.before.hex()}, not {expected}"
            self._faults.append(Fault(self.position, different))


def _miscounted(backend: Backend, count: Count) -> Iterator[Fault]:
    try:
        is_same = backend.clock_holds() == count.holds
    except LogError as fault:
        yield Fault(None, f"as of when events count cannot be read: {fault}")
        return
    if not is_same:
        what = "as of when events count is not what their times say; a restore makes it anew"
        yield Fault(None, what)


def parse_anchor(text: str) -> tuple[int, str]:
    """Return the position and hash of ``POSITION:HASH``."""
    position, colon, digest = text.partition(":")
    if not (colon and position.isdigit() and len(digest) == 64):
        raise InvalidInputError(
            f"{text!r} is not POSITION:HASH, with the head and its hash as they are told by:",
            do="log.info()",
            typed="autopack log info",
            name="anchor",
            value=text,
        )
    return int(position), digest


def _before(backend: Backend, after: int) -> bytes:
    """Return the hash that the event after a position was chained to."""
    if not after:
        return seed(backend.identity.origin_id)
    rows = backend.raw_rows(after=after - 1, limit=1)
    return rows[0][10] if rows and isinstance(rows[0][10], bytes) else b""


def _last_given(backend: Backend, faults: list[Fault]) -> int | None:
    try:
        return backend.last_given()
    except LogError as fault:
        faults.append(Fault(None, f"how many positions were given cannot be read: {fault}"))
        return None


def _rows(
    backend: Backend, faults: list[Fault], after: int, last: int
) -> Iterator[tuple[Any, ...]]:
    """Yield rows as bytes; where a page cannot be read, row by row up to the last given one."""
    size = _PAGE
    while True:
        try:
            rows = backend.raw_rows(after=after, limit=size)
        except LogError as fault:
            if size > 1:
                after, size = max(after, 0), 1
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
        return link(
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
