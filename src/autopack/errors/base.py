"""The base of all errors, and what is wrong with names and values."""

from typing import Final

_TOLD_MOST: Final = 8_000
_VALUE_MOST: Final = 200
_BITS_MOST: Final = 1_000


def told(value: object) -> str:
    """Return a value as a message shows it, however long it is."""
    if isinstance(value, str) and len(value) > _VALUE_MOST:
        return f"{value[:_VALUE_MOST]!r}... ({len(value):,} characters)"
    if isinstance(value, int) and value.bit_length() > _BITS_MOST:
        return f"a number of {value.bit_length():,} bits"
    return repr(value)


def shortened(message: str) -> str:
    """Return a message without the middle of what is too long to be read, or to be printed."""
    more = len(message) - _TOLD_MOST
    if more <= 0:
        return message
    half = _TOLD_MOST // 2
    return f"{message[:half]} [... {more:,} characters ...] {message[-half:]}"


class AutopackError(Exception):
    """
    The base of all errors of this library.

    Args:
        message: What happened, with the values.
        do: What to do about it in Python; it ends the message.
        typed: The same for who typed a command, where that differs.
    """

    def __init__(self, message: str = "", *, do: str = "", typed: str = "") -> None:
        message = shortened(message)
        super().__init__(f"{message} {do}" if do else message)
        self._typed = f"{message} {typed}" if typed else ""

    @property
    def typed(self) -> str:
        """The message for who typed a command: it names commands and options, not functions."""
        return self._typed or str(self)

    def __reduce__(self) -> tuple[object, ...]:
        """Return what an equal error is made of, also in another process."""
        facts = {name: _portable(fact) for name, fact in self.__dict__.items()}
        return _again, (type(self), self.args), facts


def _again(kind: type[AutopackError], args: tuple[object, ...]) -> AutopackError:
    """Return an error without its facts: its constructor would make a message of the message."""
    return kind.__new__(kind, *args)


def _portable(fact: object) -> object:
    """Return a fact, or how it reads if it cannot leave its process."""
    import pickle  # which most errors do without

    try:
        pickle.dumps(fact)
    except Exception:  # a value's own methods may raise anything
        return told(fact)
    return fact


class InvalidNameError(AutopackError):
    """A name cannot be used."""

    def __init__(
        self,
        kind: str,
        name: object,
        why: str,
        *,
        to_do: str = "Use 1 to 200 printable characters without a slash in run ids.",
    ) -> None:
        super().__init__(f"{told(name)} cannot be a {kind}: {why}. {to_do}")
        self.kind, self.name, self.why = kind, name, why


class InvalidEventError(AutopackError):
    """An event, or a value in it, cannot be stored."""

    def __init__(self, event_type: str, why: str) -> None:
        super().__init__(f"Event {event_type!r} cannot be stored: {why}.")
        self.event_type, self.why = event_type, why


class MachineFaultError(AutopackError):
    """The machine lacks what is needed: processes, threads, descriptors or memory."""

    def __init__(self, what: str, fault: Exception) -> None:
        super().__init__(
            f"{what}: {fault}. It is the machine that hinders it: raise its limits (ulimit -a "
            "shows them), or begin fewer workers."
        )
        self.what, self.fault = what, fault


class InvalidInputError(AutopackError):
    """
    Something that was passed in is wrong; nothing was changed.

    ``says`` is the message without whose it is.

    Args:
        message: What is wrong, with the value as it is shown.
        name: What is wrong is called so: an argument, a field (``phases[2].id``) or an option.
        value: What was given for it, as it is; None where nothing was, or it may be a secret.
        whose: Whose it is, which begins the message: ``Phase 'a'``.
        do: What to do about it in Python; it ends the message.
        typed: The same for who typed a command, where that differs.
    """

    def __init__(
        self,
        message: str = "",
        *,
        name: str | None = None,
        value: object = None,
        whose: str = "",
        do: str = "",
        typed: str = "",
    ) -> None:
        super().__init__(f"{whose}: {message}" if whose else message, do=do, typed=typed)
        self.name, self.value, self.whose = name, value, whose
        self.says = f"{message} {do}" if do else message
