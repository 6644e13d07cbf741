"""Approved work that is not merged: why, and what a person types."""

from shlex import quote
from typing import Final, TypeAlias

import attrs

from autopack.types import WorkspaceRow
from autopack_git.merging import ConflictError, HeldBackError, MovedError

_TOLD_MOST = 20


@attrs.frozen(kw_only=True)
class Unmerged:
    """
    Work that a person has approved, and that could not be merged.

    Args:
        why: In a few words; files, for a conflict.
        told: What to do, for a person.
    """

    row: WorkspaceRow
    why: str
    told: str


class UnpassedError(Exception):
    """
    A check does not pass what would be merged; says which.

    Args:
        has_failed: Whether it found the work wrong; else it could not run, and is tried again.
    """

    def __init__(self, why: str, *, has_failed: bool) -> None:
        super().__init__(why)
        self.has_failed = has_failed


class NotForwardError(Exception):
    """The branch has moved on, and is only to be moved forward; says so."""


Fault: TypeAlias = ConflictError | HeldBackError | MovedError | NotForwardError | UnpassedError
UNMERGED: Final = (ConflictError, HeldBackError, MovedError, NotForwardError, UnpassedError)
"""Why approved work may stay where it is."""


def unmerged(row: WorkspaceRow, target: str, fault: Fault) -> Unmerged:
    """Return what a person is told of approved work that was not merged."""
    if isinstance(fault, NotForwardError):
        told = f"{row.ref} is approved, but its work is not merged: {fault}. {ways(row, target)}"
        return Unmerged(row=row, why=f"not merged: {fault}", told=told)
    if isinstance(fault, UnpassedError):
        return _unpassed(row, target, fault)
    if isinstance(fault, ConflictError):
        files = ", ".join(fault.files[:_TOLD_MOST])
        told = (
            f"{row.ref} is approved, but its work cannot be merged: {target} has changed the same "
            f"in {files}. {ways(row, target)}"
        )
        return Unmerged(row=row, why=f"cannot be merged: {files}", told=told)
    why = str(fault) if isinstance(fault, HeldBackError) else f"{target} was moved meanwhile"
    told = f"{row.ref} is approved, but its work is not merged yet: {why}. The next drain tries."
    return Unmerged(row=row, why=f"not merged yet: {why}", told=told)


def _unpassed(row: WorkspaceRow, target: str, fault: UnpassedError) -> Unmerged:
    if fault.has_failed:
        not_merged, mended = (
            "not merged",
            (
                "Or mend the check, and have it run again: autopack phase judge "
                f"{quote(row.ref)} --right --why REASON."
            ),
        )
    else:
        not_merged, mended = "not merged yet", "Until then each drain tries again."
    told = (
        f"{row.ref} is approved, but its work is {not_merged}: on top of what {target} has by now, "
        f"{fault}. {ways(row, target, is_wrong=fault.has_failed)} {mended}"
    )
    return Unmerged(row=row, why=f"{not_merged}: {fault}", told=told)


def ways(row: WorkspaceRow, target: str, *, is_wrong: bool = False) -> str:
    """
    Return what to type: a merge by hand, or that it is done anew.

    Args:
        is_wrong: Whether the work counts as wrong already, so that it may be put back at once.
    """
    ref = quote(row.ref)
    judge = "" if is_wrong else f"autopack phase judge {ref} --wrong --why REASON, then "
    return (
        f"Merge it by hand, which the next drain finds: git checkout {quote(target)} && git merge "
        f"{quote(row.branch or '')}. Or have it done anew on what is there: {judge}autopack "
        f"phase requeue {ref} --why REASON."
    )
