"""Texts as a log can hold them, whoever wrote them."""


def words_of(fault: BaseException) -> str:
    """Return what an exception says; one that cannot say it says nothing."""
    try:
        return str(fault)
    except Exception:
        return ""


def storable(text: str) -> str:
    """Return *text* with escapes where it has no UTF-8 form, as names of files may have none."""
    return text.encode("utf-8", "backslashreplace").decode()
