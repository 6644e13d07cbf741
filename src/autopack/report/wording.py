"""Failures in words: what happened, said once."""


def failure_words(code: str | None, message: str | None, state: str = "") -> str:
    """
    Return a failure on one line, its code before its message unless that says it already.

    Args:
        state: The phase's state, which says as much as a code of the same name.
    """
    said = one_line(message) if message else "no message"
    is_said = not code or said.startswith(f"{code}:") or code.upper() == state
    return said if is_said else f"{code}: {said}"


def kind_words(fingerprint: str) -> str:
    """Return what failures of a kind have in common, in place of their fingerprint."""
    code, bar, text = fingerprint.partition("|")
    if not bar:
        return one_line(code.replace("_", " "))
    return failure_words(code, text.removeprefix(f"{code.lower()}: "))


def one_line(text: str) -> str:
    """Return *text* with its line breaks and blanks as single spaces."""
    return " ".join(text.split())
