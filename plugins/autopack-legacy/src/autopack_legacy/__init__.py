"""The old system's figures and databases: importer, estimator, calibrator, fingerprints.

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
from autopack_legacy.moves import PHASE_MOVES, may_move

if TYPE_CHECKING:
    from autopack_legacy.calibrator import LegacyCalibrator
    from autopack_legacy.estimates import estimate
    from autopack_legacy.estimator import LegacyEstimator
    from autopack_legacy.importer import LegacyImporter

__all__ = [
    "PHASE_MOVES",
    "LegacyCalibrator",
    "LegacyEstimator",
    "LegacyImporter",
    "enforce_after",
    "enforce_before",
    "escalated_budget",
    "estimate",
    "fingerprint",
    "is_llm_boundary",
    "may_move",
    "normalize_error",
    "retry_decision",
    "zero_yield_reason",
]


_HOMES = {
    "LegacyCalibrator": "calibrator",
    "LegacyEstimator": "estimator",
    "LegacyImporter": "importer",
    "estimate": "estimates",
}


def __getattr__(name: str) -> Any:
    """Load what needs the library's events or figures where it is used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
