"""What a terminal shows in the end of what was written to it, as far as the live view goes."""

import re

_TOKEN = re.compile(r"\x1b\[(?P<arguments>[0-9;?]*)(?P<control>[A-Za-z])|[\r\n]|[^\x1b\r\n]+")


def shown(data: bytes, width: int) -> list[str]:
    """Return the lines of a screen that is *width* wide and never too short."""
    rows, y, x = [""], 0, 0
    for token in _TOKEN.finditer(data.decode("utf-8", "replace")):
        match token["control"], token[0]:
            case None, "\r":
                x = 0
            case None, "\n":
                y += 1
            case None, text:
                for mark in text:
                    if x == width:
                        y, x = y + 1, 0
                    rows += [""] * (y + 1 - len(rows))
                    rows[y] = rows[y].ljust(x)[:x] + mark + rows[y][x + 1 :]
                    x += 1
            case "A", _:
                y -= int(token["arguments"] or 1)
            case "J", _:
                rows[y:] = [rows[y][:x]]
            case "K", _:
                rows[y] = "" if token["arguments"] == "2" else rows[y][:x]
        rows += [""] * (y + 1 - len(rows))
    return rows
