"""The library's own calibrators keep the promises of all."""

from autopack.prediction.calibration.conformal import SplitConformal
from autopack.prediction.calibration.median_ratio import MedianRatio
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile
from autopack.prediction.mixture.calibrator import Mixture
from autopack.testing.calibrators import CalibratorContract


class TestMedianRatio(CalibratorContract):
    """With gates that let most groups through."""

    def make(self):
        return MedianRatio(estimator_version="v1", min_samples=2, confidence_threshold=0.1)


class TestShrinkageQuantile(CalibratorContract):
    """As it is made without options."""

    def make(self):
        return ShrinkageQuantile()


class TestSplitConformal(CalibratorContract):
    """As it is made without options."""

    def make(self):
        return SplitConformal()


class TestMixture(CalibratorContract):
    """As it is made without options."""

    def make(self):
        return Mixture()
