"""What the library's calibrators can be made with, by name and type."""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from autopack.ports.calibrator_protocol import Calibrator
from autopack.ports.prediction import Features


class CalibratorOptions(TypedDict, total=False):
    """
    The options of the built-in calibrators; each takes those that its class names.

    A plugin's own options are given to its class, or in its name: ``"NAME:OPTION=VALUE"``.
    """

    min_samples: int
    confidence_threshold: float
    include_imported: bool
    damping: float
    max_change: float | None
    interval: float
    buffer: float | None
    base: Callable[[Features], float] | None
    shrinkage: float
    window: int
    use_prompt: bool
    experts: str | Sequence[Calibrator[Any]]
    cap_tokens: int
    default_tokens: int
