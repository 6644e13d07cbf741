"""Every exception that the library raises on purpose.

::

    AutopackError
    ├── InvalidNameError            a run, phase or view name that cannot be used
    ├── InvalidEventError           an event, or a value in it, that the log would not take
    ├── InvalidInputError           a run file, a phase spec or an option that is wrong
    ├── LogError
    │   ├── LogMissingError         nothing at that path
    │   ├── LogExistsError          creating never opens
    │   ├── NotALogError            something else is at that path
    │   ├── NewerLogError           the file is of a later log format
    │   ├── ReadOnlyLogError        the file or its folder cannot be written
    │   ├── LogBusyError            another process held the write lock too long
    │   ├── LogFullError            no room is left where the log is
    │   ├── LogClosedError          the log was closed, or under a reader
    │   ├── LogDamagedError         the file is not what was written
    │   ├── VersionConflictError    the stream is not at the expected version
    │   ├── EventIdConflictError    the event id is known with other content
    │   ├── ForeignCursorError      a position of another log
    │   └── ArtifactMissingError    no text under that digest
    ├── CodecError
    │   ├── NewerEventError         the event's schema is above the known one
    │   └── StoredEventError        a stored event that its type does not allow
    ├── CommandRefusedError
    │   ├── RunExistsError, RunMissingError, RunPausedError
    │   ├── PhaseExistsError, PhaseMissingError, MoveRefusedError, AttemptsSpentError
    │   ├── LeaseLostError          the phase is no longer this worker's
    │   ├── CapReachedError         a cap is used up
    │   ├── CapFullError            what a claim would set aside does not fit under a cap
    │   ├── PriceUnknownError       a cap in USD, and a claim that nobody can price
    │   ├── NothingReadyError       a probe found no phase to try
    │   ├── EmptyLogError           nothing to drain, and that is suspicious
    │   └── DrainRefusedError       a guard said no
    ├── UnknownNameError            no strategy, executor, ... of that name
    ├── PluginError                 a plugin that failed or broke its promise
    └── ImportRefusedError          a source that an importer cannot take
"""

from collections.abc import Iterable, Sequence


class AutopackError(Exception):
    """The base of all errors of this library."""


class InvalidNameError(AutopackError):
    """A name cannot be used."""

    def __init__(self, kind: str, name: object, why: str) -> None:
        super().__init__(
            f"{name!r} cannot be a {kind}: {why}. "
            "Use 1 to 200 printable characters without a slash in run ids."
        )
        self.kind, self.name, self.why = kind, name, why


class InvalidEventError(AutopackError):
    """An event, or a value in it, cannot be stored."""

    def __init__(self, event_type: str, why: str) -> None:
        super().__init__(f"Event {event_type!r} cannot be stored: {why}.")
        self.event_type, self.why = event_type, why


class InvalidInputError(AutopackError):
    """Something that was passed in is wrong; nothing was changed."""


class LogError(AutopackError):
    """Something about a log."""


class LogMissingError(LogError):
    """There is no log at that path; opening never creates one."""

    def __init__(self, target: str, *, nearby: Sequence[str] = ()) -> None:
        near = "".join(f"\n  {line}" for line in nearby)
        hint = f" Logs nearby:{near}" if nearby else " No log was found nearby."
        super().__init__(
            f"There is no log at {target}; nothing was created.{hint}\n"
            f"Check the path, or make a new log with: autopack log create {target}"
        )
        self.target, self.nearby = target, tuple(nearby)


class LogExistsError(LogError):
    """Something is already at that path; creating never opens or overwrites."""

    def __init__(self, target: str) -> None:
        super().__init__(
            f"{target} already exists; it was left as it is. "
            "Choose another path, or open it with open_log() or --log."
        )
        self.target = target


class NotALogError(LogError):
    """What is at that path is not an event log."""

    def __init__(self, target: str, found: str, *, hint: str = "") -> None:
        super().__init__(
            f"{target} is not an Autopack log: it is {found}. It was left as it is."
            + (f" {hint}" if hint else " Name a file made by `autopack log create`.")
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
    """The log can be read but not written."""

    def __init__(self, target: str) -> None:
        super().__init__(
            f"{target} is read-only, so nothing was written. "
            "Change the permissions of the file and its folder, or work on a copy."
        )
        self.target = target


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


class LogClosedError(LogError):
    """The log was closed."""

    def __init__(self, target: str) -> None:
        super().__init__(f"The log {target} is closed. Open it again to go on.")
        self.target = target


class LogDamagedError(LogError):
    """What is stored is not what was written."""

    def __init__(self, target: str, what: str) -> None:
        super().__init__(
            f"{target} is damaged: {what}. Nothing was written. "
            "See every fault with: autopack log verify"
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


class ForeignCursorError(LogError):
    """A cursor belongs to another log."""

    def __init__(self, *, cursor_log: str, this_log: str) -> None:
        super().__init__(
            f"The cursor belongs to log {cursor_log}, this is log {this_log}. "
            "Positions mean nothing in another log: start from 0."
        )
        self.cursor_log, self.this_log = cursor_log, this_log


class ArtifactMissingError(LogError):
    """No text is stored under that digest."""

    def __init__(self, digest: str) -> None:
        super().__init__(
            f"No artifact {digest} is stored beside this log; it may have been pruned."
        )
        self.digest = digest


class CodecError(AutopackError):
    """A stored event cannot be turned into its class."""


class NewerEventError(CodecError):
    """The event was written with a schema that this version does not know."""

    def __init__(self, event_type: str, *, found: int, known: int, position: int) -> None:
        super().__init__(
            f"Event {event_type!r} at position {position} has schema {found}, this version "
            f"knows {known}. Upgrade autopack, or the plugin that owns the type."
        )
        self.event_type, self.found, self.known, self.position = event_type, found, known, position


class StoredEventError(CodecError):
    """A stored event does not fit its type."""

    def __init__(self, event_type: str, *, position: int, why: str) -> None:
        super().__init__(
            f"Event {event_type!r} at position {position} cannot be read: {why}. "
            "Only views that need this event stop; see it with: autopack log tail "
            f"--after {position - 1}"
        )
        self.event_type, self.position, self.why = event_type, position, why


class CommandRefusedError(AutopackError):
    """A command was refused; nothing was changed."""


class RunExistsError(CommandRefusedError):
    """A run of that id exists."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Run {run_id!r} exists already and was left as it is. Choose another id, "
            "or add phases to it with queue_phases() or `autopack phase add`."
        )
        self.run_id = run_id


class RunMissingError(CommandRefusedError):
    """There is no run of that id."""

    def __init__(self, run_id: str, *, known: Iterable[str] = ()) -> None:
        names = ", ".join(sorted(known)[:10])
        super().__init__(
            f"There is no run {run_id!r} in this log. "
            + (f"Runs here: {names}." if names else "It holds no runs yet.")
        )
        self.run_id = run_id


class RunPausedError(CommandRefusedError):
    """The run is paused, so none of its phases can be claimed."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"Run {run_id!r} is paused. Go on with: autopack run resume {run_id}")
        self.run_id = run_id


class PhaseExistsError(CommandRefusedError):
    """The run has a phase of that id."""

    def __init__(self, ref: object) -> None:
        super().__init__(f"Phase {ref} was queued before; nothing was added. Use another id.")
        self.ref = ref


class PhaseMissingError(CommandRefusedError):
    """The run has no phase of that id."""

    def __init__(self, ref: object, *, known: Iterable[str] = ()) -> None:
        names = ", ".join(list(known)[:10])
        super().__init__(
            f"There is no phase {ref} in this log." + (f" Phases there: {names}." if names else "")
        )
        self.ref = ref


class MoveRefusedError(CommandRefusedError):
    """A phase cannot go from its state to another one."""

    def __init__(self, ref: object, *, state: str, to: str, what: str) -> None:
        super().__init__(
            f"Phase {ref} is {state}: it cannot become {to} ({what}). See why with: "
            f"autopack history {str(ref).replace('/', ' ', 1)}"
        )
        self.ref, self.state, self.to, self.what = ref, state, to, what


class AttemptsSpentError(CommandRefusedError):
    """A phase has no attempt left."""

    def __init__(self, ref: object, *, spent: int, max_attempts: int) -> None:
        super().__init__(
            f"Phase {ref} has spent {spent} of {max_attempts} attempts. Find the cause, then "
            f"give it new ones with: autopack phase requeue {ref} --why REASON"
        )
        self.ref, self.spent, self.max_attempts = ref, spent, max_attempts


class LeaseLostError(CommandRefusedError):
    """The phase is no longer this worker's: its lease ended and it was taken back."""

    def __init__(self, ref: object, *, token: str, state: str, holder: str | None) -> None:
        super().__init__(
            f"Phase {ref} is no longer held with lease {token}: it is {state}"
            + (f", held by {holder}" if holder else "")
            + ". What was recorded is kept as late; stop working on it."
        )
        self.ref, self.token, self.state, self.holder = ref, token, state, holder


class CapReachedError(CommandRefusedError):
    """A cap is used up."""

    def __init__(self, scope: str, *, unit: str, used: float, cap: float) -> None:
        super().__init__(
            f"The cap of {scope} is reached: {used:g} of {cap:g} {unit} are used. "
            "The call is recorded; make no further one, or raise the cap."
        )
        self.scope, self.unit, self.used, self.cap = scope, unit, used, cap


class CapFullError(CommandRefusedError):
    """What a claim would set aside does not fit under a cap; nothing was claimed."""

    def __init__(
        self, scope: str, *, unit: str, spent: float, reserved: float, wanted: float, cap: float
    ) -> None:
        super().__init__(
            f"The cap of {scope} is {cap:g} {unit}: {spent:g} are used and {reserved:g} set aside, "
            f"so that a claim of {wanted:g} does not fit. Raise the cap, or let work in flight end."
        )
        self.scope, self.unit, self.spent, self.reserved = scope, unit, spent, reserved
        self.wanted, self.cap = wanted, cap


class PriceUnknownError(CommandRefusedError):
    """There is a cap in USD, and nobody knows what an attempt may cost."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"{scope} has a cap in USD, but no price is known for the phase's model, so that the "
            "cap could not be kept. Install a plugin that prices it (autopack_price_usage), or "
            "insist with --allow-unknown-price (allow_unknown_price=True)."
        )
        self.scope = scope


class EmptyLogError(CommandRefusedError):
    """The log holds no runs and no phases, which for a drain is suspicious."""

    def __init__(self, target: str, *, events: int) -> None:
        super().__init__(
            f"{target} holds no runs and no phases ({events} events), so there is nothing to "
            "drain. Is it the right log? Insist with --allow-empty (allow_empty=True)."
        )
        self.target, self.events = target, events


class NothingReadyError(CommandRefusedError):
    """A probe found no phase to try."""

    def __init__(self, reason: str, detail: str | None) -> None:
        super().__init__(
            f"No phase could be tried ({reason}{': ' + detail if detail else ''}). "
            "See what is queued, and why it waits, with: autopack status"
        )
        self.reason, self.detail = reason, detail


class DrainRefusedError(CommandRefusedError):
    """A plugin's guard refused the drain."""

    def __init__(self, plugin: str, reason: str) -> None:
        super().__init__(f"Plugin {plugin!r} refused the drain: {reason}")
        self.plugin, self.reason = plugin, reason


class UnknownNameError(AutopackError):
    """Nothing is registered under that name."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, close: str = "") -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        hint = f" Did you mean {close!r}?" if close else ""
        super().__init__(
            f"There is no {kind} {name!r}.{hint} Known: {', '.join(self.known) or 'none'}. "
            "See what failed to load with: autopack plugins"
        )


class PluginError(AutopackError):
    """A plugin failed, or broke its promise."""

    def __init__(self, plugin: str, what: str) -> None:
        super().__init__(f"Plugin {plugin!r}: {what}")
        self.plugin, self.what = plugin, what


class ImportRefusedError(AutopackError):
    """A source cannot be imported; nothing was changed."""

    def __init__(self, source: str, why: str) -> None:
        super().__init__(f"{source} cannot be imported: {why}. Nothing was changed.")
        self.source, self.why = source, why
