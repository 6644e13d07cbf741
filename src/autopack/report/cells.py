"""Texts as wide as a terminal shows them: cut in the middle, cut at the end, and filled up."""


def cells(text: str) -> int:
    """Return how many places of a terminal a text takes; signs of East Asia and emoji take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # half a command's start, and seldom needed

    return cell_len(text)


def cut_end(text: str, most: int, dots: str = "…") -> str:
    """Return a text that fits into *most* cells, its end left out if it is longer."""
    if cells(text) <= most:
        return text
    return f"{_start(text, most - cells(dots))}{dots}" if most > cells(dots) else dots[:most]


def cut_middle(text: str, most: int, dots: str = "…") -> str:
    """Return a text that fits into *most* cells; names that are alike differ at their ends."""
    if cells(text) <= most:
        return text
    left = most - cells(dots)
    if left < 2:
        return cut_end(text, most, dots)
    end = _end(text, left - left // 2)
    return f"{_start(text, left - cells(end))}{dots}{end}"


def filled(text: str, width: int, *, is_right: bool = False) -> str:
    """Return a text with blanks after it, or before it, up to *width* cells."""
    blanks = " " * (width - cells(text))
    return f"{blanks}{text}" if is_right else f"{text}{blanks}"


def _start(text: str, most: int) -> str:
    found = text[:most]
    while cells(found) > most:
        found = found[:-1]
    return found


def _end(text: str, most: int) -> str:
    found = text[-most:]
    while cells(found) > most:
        found = found[1:]
    return found
