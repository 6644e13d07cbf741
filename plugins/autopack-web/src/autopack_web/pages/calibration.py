"""What the budgets learned: the calibration report, and what is proposed on which evidence."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

import autopack
from autopack_web.moments import now_of

if TYPE_CHECKING:
    from autopack import Log
    from autopack_web.moments import Asked


@attrs.frozen(kw_only=True)
class CalibrationPage:
    """The report, as ``autopack report`` has it; None where no prediction was measured."""

    report: Mapping[str, Any] | None


def read(log: "Log", asked: "Asked") -> CalibrationPage:
    """Return it."""
    if not autopack.view(log, "attempts", with_rows=False).total.all.samples:
        return CalibrationPage(report=None)
    return CalibrationPage(report=autopack.evaluate(log, at=now_of(log)))
