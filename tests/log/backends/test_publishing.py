"""A new log is on the disk before it has its name, and its name before anybody is told of it."""

import os

import pytest

from autopack import create_log, restore_log
from autopack.errors import LogExistsError
from autopack.testing.facts import paused


@pytest.fixture
def told(monkeypatch):
    """What is asked of the disk, in order: the files that are synced, and what is linked."""
    told = []
    sync, link = os.fsync, os.link

    def synced(handle):
        told.append(("fsync", os.fstat(handle).st_ino))
        sync(handle)

    def linked(source, target, **how):
        told.append(("link", os.stat(source).st_ino))
        link(source, target, **how)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "link", linked)
    return told


@pytest.mark.parametrize("way", ["made", "backed up", "restored"])
def test_a_new_log_survives_a_power_cut(tmp_path, told, way):
    """Its bytes are synced, then it is linked, then its folder is synced."""
    path = tmp_path / "log.db"
    with create_log(path) as log:
        if way != "made":
            path = tmp_path / "copy.db"
            log.append("s", [paused()], expected_version=0)
            told.clear()
            log.backup(str(path))
    if way == "restored":
        told.clear()
        path = tmp_path / "again.db"
        restore_log(tmp_path / "copy.db", path).close()
    file, folder = path.stat().st_ino, tmp_path.stat().st_ino
    linked = told.index(("link", file))

    assert ("fsync", file) in told[:linked]
    assert ("fsync", folder) in told[linked:]


def test_a_name_that_is_taken_is_not_written_over(tmp_path):
    """Nor is anything left beside it."""
    path = tmp_path / "log.db"
    path.write_bytes(b"mine")
    with pytest.raises(LogExistsError):
        create_log(path)

    assert ["log.db"] == [entry.name for entry in tmp_path.iterdir()]
    assert b"mine" == path.read_bytes()
