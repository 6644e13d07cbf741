"""What is wrong with a log as a whole."""

from collections.abc import Mapping, Sequence
from shlex import quote

from autopack.errors.base import AutopackError, InvalidInputError, told


class LogError(AutopackError):
    """Something about a log."""


class LogMissingError(LogError):
    """There is no log at that path; opening never creates one."""

    def __init__(self, target: str, *, nearby: Sequence[str] = ()) -> None:
        near = "".join(f"\n  {line}" for line in nearby)
        hint = f" Logs nearby:{near}" if nearby else " No log was found nearby."
        super().__init__(
            f"There is no log at {target}; nothing was created.{hint}\n"
            "Check the path, or make a new log with:",
            do=f"autopack.create_log({target!r})",
            typed=f"autopack log create {quote(target)}",
        )
        self.target, self.nearby = target, tuple(nearby)


class LogExistsError(LogError):
    """Something is already at that path; creating and exporting never open or overwrite."""

    def __init__(self, target: str, *, can_be_opened: bool = True) -> None:
        said = f"{target} already exists; it was left as it is. Choose another path"
        if can_be_opened:
            do, typed = "open it with open_log().", f"work on it with --log {quote(target)}."
            super().__init__(f"{said}, or", do=do, typed=typed)
        else:
            super().__init__(f"{said}.")
        self.target = target


class NotALogError(LogError):
    """What is at that path is not an event log."""

    def __init__(self, target: str, found: str, *, hint: str = "") -> None:
        super().__init__(
            f"{target} is not an Autopack log: it is {found}. It was left as it is."
            + (f" {hint}" if hint else ""),
            do="" if hint else "Name a file made by create_log().",
            typed="" if hint else "Name a file made by autopack log create.",
        )
        self.target, self.found, self.hint = target, found, hint


class NewerLogError(LogError):
    """The log was written in a format that this version does not know."""

    def __init__(self, target: str, *, found: int, known: int) -> None:
        super().__init__(
            f"{target} has log format {found}; this version of autopack reads up to {known}. "
            "Upgrade autopack to open it."
        )
        self.target, self.found, self.known = target, found, known


class ReadOnlyLogError(LogError):
    """
    The log can be read but not written.

    Args:
        why: Who says so, and what to do about it, where it is no file.
    """

    def __init__(self, target: str, *, why: str | None = None) -> None:
        what = "Change the permissions of the file and its folder, or work on a copy."
        super().__init__(f"{target} is read-only, so nothing was written. {why or what}")
        self.target, self.why = target, why


class LogBusyError(LogError):
    """Another process held the write lock for longer than the busy timeout."""

    def __init__(self, target: str, *, waited_s: float) -> None:
        super().__init__(
            f"{target} stayed locked by another process for {waited_s:g} s; "
            "nothing was written. Look for a process that holds it, then try again."
        )
        self.target, self.waited_s = target, waited_s


class LogFullError(LogError):
    """There is no room left for what was to be written."""

    def __init__(self, target: str) -> None:
        super().__init__(
            f"{target} cannot grow: the disk or a size limit is full. Nothing was written by "
            "this call. Make room, then try again; what was recorded before is safe."
        )
        self.target = target


class LogHinderedError(LogError):
    """The machine could not read or write the log: its disk, its memory or its descriptors."""


class LogClosedError(LogError):
    """The log was closed."""

    def __init__(self, target: str) -> None:
        super().__init__(f"The log {target} is closed. Open it again to go on.")
        self.target = target


class LogForkedError(LogError):
    """The log was opened by the process from which this one was forked."""

    def __init__(self, target: str) -> None:
        super().__init__(
            f"{target} was opened by the process that this one was forked from; its connections "
            "and locks are that one's, so nothing was read or written here. Open the log again in "
            "this process, or start processes by spawn.",
        )
        self.target = target


class LogGoneError(LogError):
    """The files of an open log were removed or replaced; what is at the path is another thing."""

    def __init__(self, target: str, what: str) -> None:
        super().__init__(
            f"{target} is no longer what this log opened: {what}. This call recorded nothing that "
            "could be found again. Stop what moves or removes the log's files, put them back or "
            "take a backup, and open the log again."
        )
        self.target, self.what = target, what


class MomentLostError(LogError):
    """A log that may not be written was written to by another user, while a moment was held."""

    def __init__(self, target: str) -> None:
        super().__init__(
            f"{target} was written to while one moment of it was read. A user who may not write "
            "it, or the folder, cannot hold a moment still that began while nobody wrote: "
            "try again."
        )
        self.target = target


class UnfinishedCopyError(LogError):
    """The log is to be a copy of another one, and does not hold all of it yet."""

    def __init__(self, target: str, *, head: int, until: int) -> None:
        super().__init__(
            f"{target} holds {head} of the {until} events of the log that it is a copy of, so "
            "nothing is appended. Finish it by copying once more:",
            do=f"autopack.copy_log(SOURCE, {target!r})",
            typed=f"autopack log copy SOURCE {quote(target)}",
        )
        self.target, self.head, self.until = target, head, until


class OlderLogError(LogError):
    """The log is kept on a server as an earlier version did; it is read, and not written."""

    def __init__(self, target: str, *, found: int, known: int) -> None:
        super().__init__(
            f"{target} has tables of version {found}, and this version writes {known}; nothing "
            "was written. Its owner upgrades it in a moment:",
            do=f"autopack.upgrade_log({target!r})",
            typed=f"autopack log upgrade {quote(target)}",
        )
        self.target, self.found, self.known = target, found, known


class LogDamagedError(LogError):
    """What is stored is not what was written."""

    def __init__(self, target: str, what: str) -> None:
        super().__init__(
            f"{target} is damaged: {what}. Nothing was written. See every fault with:",
            do="log.verify()",
            typed="autopack log verify",
        )
        self.target, self.what = target, what


class VersionConflictError(LogError):
    """The stream is not at the expected version; nothing was appended."""

    def __init__(self, stream: str, *, expected: int, actual: int) -> None:
        super().__init__(
            f"Stream {stream!r} is at version {actual}, not {expected}; nothing was appended. "
            "Read the stream again, decide again, and append with its new version."
        )
        self.stream, self.expected, self.actual = stream, expected, actual


class EventIdConflictError(LogError):
    """An event with this id, but another content, is already stored."""

    def __init__(self, event_id: bytes, *, position: int, differs: str) -> None:
        super().__init__(
            f"Event id {event_id.hex()} is already at position {position} with another "
            f"{differs}; nothing was appended. The same fact must be given with the same "
            "content, another fact with another id."
        )
        self.event_id, self.position, self.differs = event_id, position, differs


class UsageConflictError(EventIdConflictError):
    """A call of that provider and id is recorded already: with other figures, or elsewhere."""

    def __init__(
        self,
        event_id: bytes,
        *,
        position: int,
        provider: str | None,
        call_id: str,
        recorded_for: str,
        told_for: str,
        figures: Mapping[str, tuple[object, object]],
    ) -> None:
        of = f" of provider {provider!r}" if provider else ""
        now = [f"for {told_for}"] * (told_for != recorded_for)
        now += [f"with {name} {is_!r}, not {was!r}" for name, (was, is_) in figures.items()]
        differs = ", ".join(now) or "of another lease or moment"
        super().__init__(event_id, position=position, differs=differs)
        self.args = (
            f"Call {call_id!r}{of} is recorded already, at position {position} for {recorded_for}; "
            f"now it is told {differs}. Nothing was appended. Give another call a call_id of its "
            "own (with the attempt's number in it, if you make it up); what the provider "
            "corrected is recorded with autopack.amend_usage().",
        )
        self.provider, self.call_id, self.figures = provider, call_id, dict(figures)
        self.recorded_for, self.told_for = recorded_for, told_for


class ForeignCursorError(LogError):
    """A cursor belongs to another log."""

    def __init__(self, *, cursor_log: str, this_log: str) -> None:
        super().__init__(
            f"The cursor belongs to log {cursor_log}, this is log {this_log}. "
            "Positions mean nothing in another log: start from 0."
        )
        self.cursor_log, self.this_log = cursor_log, this_log


class ForeignPlaceError(LogError):
    """A reader has come so far in another log, or in one that has lost its end since."""

    def __init__(self, subscription: str, position: int, target: str) -> None:
        super().__init__(
            f"Subscription {subscription!r} has read up to position {position}, but {target} holds "
            "another event there, or none: it is another log, or has lost its end. Make its read "
            "model anew, and forget its place."
        )
        self.subscription, self.position, self.target = subscription, position, target


class ArtifactMissingError(LogError):
    """No text is stored under that digest."""

    def __init__(self, digest: str, *, pruned: str | None = None) -> None:
        why = (
            f"it may have been pruned (last at {pruned})"
            if pruned
            else "no text was pruned, so this log never held it; a log made of an export has none"
        )
        super().__init__(f"No text {digest} is stored beside this log: {why}.")
        self.digest, self.pruned = digest, pruned


def not_open(given: object) -> InvalidInputError:
    """Return what is wrong with a path, or anything else, where an open log is asked for."""
    return InvalidInputError(
        f"{told(given)} is no open log:",
        do="give what open_log() or create_log() returned.",
        typed="name one with --log.",
        name="log",
        value=given,
    )
