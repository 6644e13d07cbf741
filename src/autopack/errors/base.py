"""The base of all errors, and what is wrong with names and values."""


class AutopackError(Exception):
    """
    The base of all errors of this library.

    Args:
        message: What happened, with the values.
        do: What to do about it in Python; it ends the message.
        typed: The same for who typed a command, where that differs.
    """

    def __init__(self, message: str = "", *, do: str = "", typed: str = "") -> None:
        super().__init__(f"{message} {do}" if do else message)
        self._typed = f"{message} {typed}" if typed else ""

    @property
    def typed(self) -> str:
        """The message for who typed a command: it names commands and options, not functions."""
        return self._typed or str(self)


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
