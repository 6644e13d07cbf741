"""Texts as a log can hold them, whoever wrote them."""

from autopack.errors.base import told


def words_of(fault: BaseException) -> str:
    """Return what an exception says; one that cannot say it says nothing."""
    try:
        return str(fault)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return ""


def shown(answer: object) -> str:
    """Return how a message shows what somebody's code answered, without running any more of it."""
    return told(answer) if type(answer) in (str, int, float, bool) else type(answer).__name__


def storable(text: str) -> str:
    """Return *text* with escapes where it has no UTF-8 form, as names of files may have none."""
    return text.encode("utf-8", "backslashreplace").decode()
