"""Ids and a moment that the suites share."""

from datetime import UTC, datetime
from typing import Final

from autopack.values.ids import derived_id

ID: Final = derived_id("test", "1", "fact")
OTHER_ID: Final = derived_id("test", "2", "fact")
NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
