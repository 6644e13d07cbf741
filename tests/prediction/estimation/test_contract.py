"""The library's own estimator keeps the promises of all."""

from autopack.prediction.estimation.deliverables import Deliverables
from autopack.testing.estimators import EstimatorContract


class TestDeliverables(EstimatorContract):
    """`deliverables`."""

    def make(self):
        return Deliverables()
