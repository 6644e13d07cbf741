"""A calibrator that goes wrong is named, with what it said and where."""

import pytest

import autopack
from autopack import PhaseSpec
from autopack.errors import PluginError
from autopack.testing.mutants.calibrators import Mean


class Number(Mean):
    """It answers with a number."""

    def predict(self, state, features, tau):
        """Return the mean, bare."""
        return 5000


class Misspelt(Mean):
    """It asks for a field that features lack."""

    def predict(self, state, features, tau):
        """Fail."""
        return features.kategory


@pytest.mark.parametrize(
    ("calibrator", "told"),
    [
        (Number(), r"it predicted 5000, which is no Prediction; it must return Prediction\(tok"),
        (Misspelt(), r"the calibrator failed: AttributeError: .*\(test_failing_calib.*, line 24\)"),
    ],
)
def test_what_went_wrong_is_told(log, calibrator, told):
    """For who wrote it."""
    with pytest.raises(PluginError, match=told):
        autopack.estimate(PhaseSpec("p"), log=log, calibrator=calibrator)
