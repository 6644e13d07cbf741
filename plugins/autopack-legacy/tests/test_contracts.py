"""The importer, the estimator and the calibrator keep the promises of all."""

import pytest

from autopack.testing.calibrators import CalibratorContract
from autopack.testing.estimators import EstimatorContract
from autopack.testing.importers import ImporterContract
from autopack_legacy import LegacyCalibrator, LegacyEstimator, LegacyImporter


class TestImporter(ImporterContract):
    """Over a database of the later schema with a row of everything."""

    def make(self):
        return LegacyImporter()

    @pytest.fixture
    def source(self, tmp_path, database_in):
        folder = tmp_path / "source"
        folder.mkdir()
        database = database_in(str(folder), is_later=True)
        for table in ("runs", "tiers", "phases", "llm_usage_events"):
            database.add(table)
        database.add("runs", id="r2", state="DONE_SUCCESS")
        database.add("phases", phase_id="p2", phase_index=1, state="COMPLETE")
        database.add("llm_usage_events", prompt_tokens=40, completion_tokens=60)
        database.add("token_estimation_v2_events")
        database.add("token_budget_escalation_events")
        return folder / "odd.db"


class TestEstimator(EstimatorContract):
    """`legacy`."""

    def make(self):
        return LegacyEstimator()


class TestCalibrator(CalibratorContract):
    """With gates that let most groups through."""

    def make(self):
        return LegacyCalibrator(min_samples=2, confidence_threshold=0.1)
