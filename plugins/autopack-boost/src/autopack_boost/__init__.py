"""A calibrator for Autopack that learns from all features at once: quantile gradient boosting."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopack_boost.calibrator import BoostCalibrator

__all__ = ["BoostCalibrator"]


def __getattr__(name: str) -> Any:
    """Load the calibrator where it is used, and scikit-learn with it."""
    if name == "BoostCalibrator":
        from autopack_boost.calibrator import BoostCalibrator

        return BoostCalibrator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
