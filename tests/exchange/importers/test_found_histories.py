"""Histories on the disk: found where importers say, told with their size, and not read yet."""

import pytest

from autopack import create_log, find_histories, load_plugins
from autopack.exchange.importers.found_histories import found_histories


class Notes:
    """Knows files named ``notes``, kept below a home, or where a variable says."""

    name = "notes"

    def places(self, home, environ):
        return [home / ".notes", *filter(None, [environ.get("NOTES")]), home / "missing"]

    def recognises(self, path):
        return "notes" in path

    def read(self, path):
        raise AssertionError("nothing is read")


class Broken(Notes):
    """Fails whatever it is asked."""

    def places(self, home, environ):
        raise RuntimeError("no")

    def recognises(self, path):
        raise SystemExit(3)


@pytest.fixture
def registry():
    from types import SimpleNamespace

    from autopack import hookimpl

    @hookimpl
    def autopack_register_importers(register):
        register("broken", Broken())
        register("notes", Notes())

    return load_plugins(
        extra=[SimpleNamespace(autopack_register_importers=autopack_register_importers)]
    )


def told(found):
    return [
        (one.importer, one.path, one.files, one.size_bytes) for one in found if "notes" in one.path
    ]


def test_places_that_are_there(registry, tmp_path):
    """Below the home and where a variable says; with how much there is; a fault hides nothing."""
    (tmp_path / ".notes" / "deep").mkdir(parents=True)
    (tmp_path / ".notes" / "deep" / "a").write_bytes(b"123")
    (tmp_path / ".notes" / "b").write_bytes(b"4567")
    (tmp_path / "my-notes").write_bytes(b"1")
    found = found_histories(registry, tmp_path, {"NOTES": str(tmp_path / "my-notes")})

    assert [
        ("notes", str(tmp_path / ".notes"), 2, 7), ("notes", str(tmp_path / "my-notes"), 1, 1),
    ] == told(found)  # fmt: skip


def test_a_file_is_asked_about_itself(registry, tmp_path):
    """Where nothing is kept, each importer is asked whether it is its own."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"12")
    with create_log("memory:", plugins=registry) as log:
        assert [("notes", str(path), 1, 2)] == told(find_histories(log, home=path))


def test_a_home_that_is_named_is_looked_at_alone(registry, tmp_path, monkeypatch):
    """The variables tell of the user's own home, not of another one."""
    (tmp_path / "elsewhere-notes").write_bytes(b"1")
    monkeypatch.setenv("NOTES", str(tmp_path / "elsewhere-notes"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / ".notes").mkdir(parents=True)
    (tmp_path / "other" / ".notes").mkdir(parents=True)
    with create_log("memory:", plugins=registry) as log:
        own, other = find_histories(log), find_histories(log, home=tmp_path / "other")

    assert [str(tmp_path / "home" / ".notes"), str(tmp_path / "elsewhere-notes")] == [
        path for _name, path, _files, _size in told(own)
    ]
    assert [str(tmp_path / "other" / ".notes")] == [path for _name, path, *_ in told(other)]
