"""An imported history goes out as NDJSON and comes back as it was."""

import pytest

from autopack import create_log, export_history, import_history, restore_log

pytest.importorskip("autopack_legacy")

pytestmark = pytest.mark.real


@pytest.mark.parametrize("name", ["autopack_legacy.db", "autopack_rebuilt.db"])
def test_an_imported_history_makes_the_round_trip(real_data, tmp_path, name):
    """Exported, imported and restored, every event and every hash is the same."""
    export = tmp_path / "out.ndjson.gz"
    with create_log(tmp_path / "log.db") as log:
        import_history(log, "autopack-legacy", real_data / name)
        export_history(log, "ndjson", export)
        expected = list(log.read_all())
    with create_log(tmp_path / "new.db") as new:
        import_history(new, "ndjson", export)
        imported = list(new.read_all())
    with restore_log(export, tmp_path / "again.db") as again:
        restored = list(again.read_all())

        assert again.verify(views=True).is_clean
    assert expected == imported
    assert expected == restored
