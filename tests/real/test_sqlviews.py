"""SQL views agree with the projections over histories of another system."""

import pytest

from autopack import create_log, import_history
from log.backends.test_sqlviews import agree

pytest.importorskip("autopack_legacy")

pytestmark = pytest.mark.real


@pytest.mark.parametrize("name", ["autopack_legacy.db", "autopack_rebuilt.db"])
def test_views_agree_over_an_imported_history(tmp_path, real_data, name):
    """Runs, phases, calls and samples are the same in SQL and in Python."""
    with create_log(tmp_path / "log.db") as log:
        import_history(log, "autopack-legacy", real_data / name)

    agree(tmp_path / "log.db")
