"""What the budgets learned: the calibration report, and what is proposed on which evidence."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

import autopack
from autopack_web.moments import now_of
from autopack_web.pages.events import EventEntry, event_entry

if TYPE_CHECKING:
    from autopack import Log
    from autopack_web.moments import Asked

_SAMPLES_MOST: Final = 1_000
"""Beyond which a report takes longer than a page may."""
_HISTORY_MOST: Final = 50


@attrs.frozen(kw_only=True)
class CalibrationPage:
    """
    What the budgets learned.

    Args:
        samples: Predictions that were met by a measured output.
        report: As ``autopack calibrate report`` has it; None without samples, and of too many.
        decided: What was proposed, applied and rejected, the last first.
    """

    samples: int
    report: Mapping[str, Any] | None
    decided: tuple[EventEntry, ...]


def read(log: "Log", asked: "Asked") -> CalibrationPage:
    """Return it."""
    samples = autopack.view(log, "attempts", with_rows=False).total.all.samples
    is_told = 0 < samples <= _SAMPLES_MOST
    decided = autopack.calibration_history(log)[: -_HISTORY_MOST - 1 : -1]
    return CalibrationPage(
        samples=samples,
        report=autopack.evaluate(log, at=now_of(log)) if is_told else None,
        decided=tuple(map(event_entry, decided)),
    )
