"""Where the table is, by the environment."""

import os
from pathlib import Path
from typing import Final

PRICES: Final = "AUTOPACK_PRICES"
GENAI: Final = "genai-prices"
"""The package whose prices it may name, by this or by the name that they are registered by."""
NAME: Final = "genai"


def named_table() -> Path | None:
    """Return the path that the variable names, absolute; None if it is not set or blank."""
    text = os.environ.get(PRICES, "").strip()
    return Path(text).absolute() if text else None


def is_genai(path: Path) -> bool:
    """Tell whether the variable names that package's prices, and no file."""
    return path.name in (NAME, GENAI) and not path.exists()
