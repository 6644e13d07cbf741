"""Checks of a log: does it open, which one is it, is it as it was written."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from autopack.api.doctor.installation_checks import clock_check
from autopack.draining.attempts.lease_keys import phase_of
from autopack.draining.attempts.living_workers import living_workers
from autopack.errors import (
    AutopackError,
    LogDamagedError,
    LogMissingError,
    NewerLogError,
    NotALogError,
)
from autopack.log.log import Log, journal_of
from autopack.log.verification import Verification, one_moment, verify
from autopack.ports.backend import ClockHold
from autopack.ports.log import from_us
from autopack.report.doctor_findings import DoctorCheck
from autopack.report.quantities import count

_TAIL: Final = 1000
_SHOWN_MOST: Final = 5
_KEEP: Final = "Keep the file as it is, and go on with a backup."
_RESTORE: Final = f"See every fault with `autopack log verify`. {_KEEP}"


def refusal_check(fault: AutopackError) -> DoctorCheck:
    """Say why a log cannot be opened, and what to do."""
    match fault:
        case LogMissingError():
            near = "".join(f"\n  {line}" for line in fault.nearby)
            to_do = f"Check the path; a new log is made by: autopack log create {fault.target}"
            if near:
                to_do = f"Logs nearby:{near}\n{to_do}"
            return DoctorCheck("log", "fault", f"there is nothing at {fault.target}", to_do)
        case NotALogError():
            to_do = fault.hint or "Name a file made by `autopack log create`."
            return DoctorCheck("log", "fault", f"{fault.target} is {fault.found}", to_do)
        case NewerLogError():
            found = f"{fault.target} has log format {fault.found}, this version knows {fault.known}"
            return DoctorCheck("log", "fault", found, "Upgrade autopack.")
        case LogDamagedError():
            return DoctorCheck("log", "fault", f"{fault.target} is damaged: {fault.what}", _KEEP)
    return DoctorCheck("log", "fault", str(fault))


def log_checks(log: Log, *, is_full: bool) -> Iterator[DoctorCheck]:
    """Look at an open log as it is now: which it is, its events, and its clock."""
    with one_moment(journal_of(log).backend):
        found = list(_log_checks(log, is_full=is_full))
    yield from found


def _log_checks(log: Log, *, is_full: bool) -> Iterator[DoctorCheck]:
    journal = journal_of(log)
    identity = journal.backend.identity
    try:
        head = journal.backend.head()
    except AutopackError as fault:
        yield refusal_check(fault)
        return
    parent = f", restored from {identity.parent[0]}" if identity.parent else ""
    told = f"log_id {identity.log_id}, format {identity.format}, {head.position} events{parent}"
    yield DoctorCheck("log", "ok", told)
    yield events_check(log, head.position, is_full=is_full)
    yield clock_check(from_us(journal.now_us()), from_us(head.as_of) if head.position else None)
    yield from past_clocks_checks(journal.backend.clock_holds())
    yield from workers_checks(log)


def workers_checks(log: Log) -> Iterator[DoctorCheck]:
    """Tell which workers live, and which are gone with phases in their hands, if there are any."""
    journal = journal_of(log)
    alive = living_workers(journal)
    if alive:
        names = ", ".join(sorted(alive)[:_SHOWN_MOST])
        more = f" and {len(alive) - _SHOWN_MOST} more" if len(alive) > _SHOWN_MOST else ""
        yield DoctorCheck("workers", "ok", f"{len(alive)} live: {names}{more}")
    rows = journal.backend.leases()
    held = Counter(row.worker for row in rows if phase_of(row.key) and row.worker not in alive)
    for worker, n in sorted(held.items()):
        found = f"{worker} is gone, and {count(n, 'phase')} of its own in work"
        yield DoctorCheck("workers", "warning", found, "A drain, or a worker, takes that back.")


def past_clocks_checks(holds: Sequence[ClockHold]) -> Iterator[DoctorCheck]:
    """Tell of events that were recorded by a clock that was far ahead, if there are any."""
    ahead = [hold for hold in holds if hold.is_left_out]
    if ahead:
        n = sum(hold.last - hold.first + 1 for hold in ahead)
        yield DoctorCheck(
            "past clocks",
            "ok",
            f"{n:,} events, the last at position {ahead[-1].last}, were recorded by a clock that "
            "was a day ahead or more; moments leave their times out",
        )


def events_check(log: Log, head: int, *, is_full: bool) -> DoctorCheck:
    """Look whether the last events, or all of them, are as they were written."""
    after = 0 if is_full else max(head - _TAIL, 0)
    try:
        found = verify(journal_of(log).backend, after=after)
    except AutopackError as fault:
        return DoctorCheck("events", "fault", str(fault), _RESTORE)
    if not found.is_clean:
        return DoctorCheck("events", "fault", _told(found), _RESTORE)
    if after:
        return DoctorCheck(
            "events", "ok", f"the last {found.events} are as they were written; --full looks at all"
        )
    return DoctorCheck("events", "ok", f"all {found.events} are as they were written")


def _told(found: Verification) -> str:
    places = [
        fault.what if fault.position is None else f"position {fault.position}: {fault.what}"
        for fault in found.faults
    ]
    more = f"\nand {len(places) - _SHOWN_MOST} more" if len(places) > _SHOWN_MOST else ""
    return "\n".join(places[:_SHOWN_MOST]) + more
