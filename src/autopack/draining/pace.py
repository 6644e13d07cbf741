"""What calls have used and when, by this drain or any other, kept up to date for strategies."""

from datetime import datetime

from autopack.journal import Journal
from autopack.projections.pace import PACE
from autopack.views import LiveView


class RecordedPace:
    """Follows the log; ``tokens`` are by the quarter of an hour in which calls happened."""

    def __init__(self, journal: Journal) -> None:
        self._view = LiveView(journal, PACE)
        self.tokens: dict[datetime, int] = {
            datetime.fromisoformat(key): row.tokens for key, row in self._view.rows.items()
        }

    def catch_up(self, head: int | None = None) -> None:
        """Take in the calls that are new in the log, up to *head*."""
        for key, (_before, after) in self._view.catch_up(head).items():
            self.tokens[datetime.fromisoformat(key)] = after.tokens
