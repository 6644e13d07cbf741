"""What an attempt's executor hears of its provider's limits."""

from datetime import datetime

from autopack.draining.attempts.claims import Claims
from autopack.draining.attempts.storable_text import storable
from autopack.events import LimitReported
from autopack.format.redaction import clean


class LimitReporting:
    """How much of a limit's window is used, as an attempt tells it; part of a ``LiveAttempt``."""

    lease_token: str
    _claims: Claims

    def report_limit(
        self,
        window: str,
        *,
        utilization: float | None = None,
        resets_at: datetime | None = None,
        model: str | None = None,
        source: str = "executor",
    ) -> None:
        """
        Say how much of a limit's window is used; what is no news is not recorded.

        Args:
            window: The window's name, as its provider calls it.
            utilization: The share that is used; 1 is all of it.
            resets_at: When it starts anew, aware.
            model: Whose window it is, where it is not all models'.
            source: Who says so.

        Raises:
            InvalidEventError: A value is of a wrong kind.
        """
        lanes = self._claims.lanes_of(self.lease_token)
        report = LimitReported(
            account="" if lanes is None else lanes.name,
            window=clean(storable, window),
            utilization=None if utilization is None else float(utilization),
            resets_at=resets_at,
            model=clean(storable, model),
            source=clean(storable, source),
        )
        if lanes is not None:
            lanes.report(report)
