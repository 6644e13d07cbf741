"""What makes a stored event unreadable."""

from autopack.errors.base import AutopackError


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
            "Only views that need this event stop; see it with:",
            do=f"log.read_all(after={position - 1})",
            typed=f"autopack log tail --after {position - 1}",
        )
        self.event_type, self.position, self.why = event_type, position, why
