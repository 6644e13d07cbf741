"""The old system's figures and databases: importer, calibrator, fingerprints.

Nothing imports this package, so it can be deleted one day.
"""

from typing import TYPE_CHECKING, Any

from autopack_legacy.budgets import (
    enforce_after,
    enforce_before,
    escalated_budget,
    retry_decision,
)
from autopack_legacy.failures import (
    fingerprint,
    is_llm_boundary,
    normalize_error,
    zero_yield_reason,
)

if TYPE_CHECKING:
    from autopack_legacy.calibrator import LegacyCalibrator
    from autopack_legacy.importer import LegacyImporter

__all__ = [
    "LegacyCalibrator",
    "LegacyImporter",
    "enforce_after",
    "enforce_before",
    "escalated_budget",
    "fingerprint",
    "is_llm_boundary",
    "normalize_error",
    "retry_decision",
    "zero_yield_reason",
]


def __getattr__(name: str) -> Any:
    """Load the importer and the calibrator where they are used."""
    if name == "LegacyImporter":
        from autopack_legacy.importer import LegacyImporter

        return LegacyImporter
    if name == "LegacyCalibrator":
        from autopack_legacy.calibrator import LegacyCalibrator

        return LegacyCalibrator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
