"""The freezes that hold, by name."""

from datetime import datetime
from typing import Any, Final

import attrs

from autopack import Recorded
from autopack_freeze.events import FreezeLifted, FreezeSet


@attrs.frozen(kw_only=True)
class Freeze:
    """Why nobody may begin a drain, who said so, and since when."""

    name: str
    by: str
    why: str
    since: datetime


class Freezes:
    """Those that hold: one that is lifted has no row."""

    name: Final = "freezes"
    version: Final = 1
    types: Final[tuple[type, ...]] = (FreezeSet, FreezeLifted)
    row_type: Final = Freeze

    def key(self, recorded: Recorded[Any]) -> str:
        """Return the freeze's name."""
        return str(recorded.event.name)

    def project(self, row: Freeze | None, recorded: Recorded[Any]) -> Freeze | None:
        """Return the freeze after the event; the first who set it is named."""
        event = recorded.event
        if isinstance(event, FreezeLifted):
            return None
        return row or Freeze(
            name=event.name, by=event.by, why=event.why, since=recorded.recorded_at
        )


FREEZES: Final = Freezes()
