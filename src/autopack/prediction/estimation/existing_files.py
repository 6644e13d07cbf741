"""How much harder than usual an existing file is to change, by its text."""

import re
from typing import Final

LEAST: Final = 0.5
MOST: Final = 2.0

_LINES: Final = ((50, 0.7), (200, 1.0), (500, 1.3))
_MANY_LINES: Final = 1.5
_IMPORTS: Final = ((5, 0.9), (15, 1.0))
_DEPTHS: Final = ((8, 0.9), (16, 1.0))
_MANY: Final = 1.2
_DIGITS: Final = 4
_TAB: Final = 4
_IMPORT: Final = re.compile(r"\s*(?:import|from|require|use|using|#include)\b")


def complexity_factor(source: str) -> float:
    """
    Return 0.5 to 2.0: what changing a file of this text costs against an ordinary one.

    The product of three steps: lines that are neither blank nor comments, imports, and the
    deepest indentation in columns.
    """
    lines = source.splitlines()
    code = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    imports = sum(1 for line in lines if _IMPORT.match(line))
    factor = (
        _step(len(code), _LINES, _MANY_LINES)
        * _step(imports, _IMPORTS, _MANY)
        * _step(max(map(_indent, code), default=0), _DEPTHS, _MANY)
    )
    return round(min(max(factor, LEAST), MOST), _DIGITS)


def _step(count: int, steps: tuple[tuple[int, float], ...], above: float) -> float:
    return next((factor for limit, factor in steps if count < limit), above)


def _indent(line: str) -> int:
    wide = line.expandtabs(_TAB)
    return len(wide) - len(wide.lstrip())
