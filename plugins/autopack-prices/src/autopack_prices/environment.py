"""Where the table is, by the environment."""

import os
from pathlib import Path
from typing import Final

PRICES: Final = "AUTOPACK_PRICES"
GENAI: Final = "genai-prices"
"""What it says in place of a file's name: the prices of that package."""


def named_table() -> Path | None:
    """Return the path that the variable names, absolute; None if it is not set or blank."""
    text = os.environ.get(PRICES, "").strip()
    return Path(text).absolute() if text else None
