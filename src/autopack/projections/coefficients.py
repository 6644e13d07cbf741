"""What each estimator was taught, as it stood: the coefficients of any day."""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from autopack.events import CalibrationApplied, PhaseEstimated
from autopack.ports.log import Recorded


@attrs.frozen(kw_only=True)
class CoefficientsRow:
    """
    An estimator's multipliers by ``category/complexity``, and the version they go under.

    Args:
        since: Where in the log they were applied; for the estimator's own figures, where it
            first predicted.
        proposal_id: What was applied; None for the estimator's own figures.
        by: Who applied it, or took the one after it back.
    """

    estimator: str
    version: str
    multipliers: Mapping[str, float] = attrs.Factory(dict)
    since: int
    proposal_id: str | None = None
    by: str | None = None
    is_rollback: bool = False


class CoefficientsInUse:
    """Every estimator that predicted or was taught, by name."""

    name: Final = "coefficients"
    version: Final = 1
    types: Final[tuple[type, ...]] = (PhaseEstimated, CalibrationApplied)
    row_type: Final = CoefficientsRow

    def key(self, recorded: Recorded[Any]) -> str | None:
        """Return the estimator's name."""
        name: str = recorded.event.estimator
        return name

    def project(
        self, row: CoefficientsRow | None, recorded: Recorded[Any]
    ) -> CoefficientsRow | None:
        """Return the row after the event; a prediction only shows that the estimator is used."""
        match recorded.event:
            case CalibrationApplied() as event:
                return CoefficientsRow(
                    estimator=event.estimator,
                    version=event.estimator_version,
                    multipliers=event.new,
                    since=recorded.position,
                    proposal_id=event.proposal_id,
                    by=event.by,
                    is_rollback=event.is_rollback,
                )
            case PhaseEstimated() as event if row is None:
                return CoefficientsRow(
                    estimator=event.estimator,
                    version=event.estimator_version,
                    since=recorded.position,
                )
            case _:
                return row


COEFFICIENTS: Final = CoefficientsInUse()
