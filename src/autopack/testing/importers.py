"""What every importer promises: subclass the suite, say how to make one, and write a source."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from autopack.api.logs import import_history
from autopack.errors import AutopackError, ImportRefusedError
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log
from autopack.ports.importing import Importer, ImportSource
from autopack.ports.log import ANY
from autopack.testing.making import checked, not_written
from autopack.testing.settings import patiently

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class ImporterContract:
    """
    An importer is idempotent and order-proof, and leaves its source as it is.

    Subclass it with a name that pytest collects; give :meth:`make` and :meth:`write_source`.
    """

    def make(self) -> Importer:
        """Return the importer."""
        raise not_written("make()", "return the importer to test")

    def write_source(self, folder: Path) -> Path:
        """Write a source with at least two events into an empty folder and return its path."""
        raise not_written("write_source(folder)", "write a source into it and return its path")

    def _made(self) -> Importer:
        importer: Importer = checked(self.make(), "importer", ["name", "recognises", "read"])
        return importer

    def _read(self, source: Path) -> ImportSource:
        found: Any = self._made().read(str(source))
        assert isinstance(found, ImportSource), f"read() returned {found!r}: no ImportSource"
        return found

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        """A source to read."""
        folder = tmp_path / "source"
        folder.mkdir()
        return self.write_source(folder)

    def test_it_is_imported_whole(self, source: Path) -> None:
        """Every event that is read is in the log, and the log is sound."""
        self._read(source)
        log = Log(MemoryBackend())
        report = import_history(log, self._made(), source)

        assert report.read >= 2, "the source must have at least two events"
        assert report.added == report.read == log.head().position
        assert log.verify().is_clean
        assert log.info()["events"] == report.added

    def test_a_second_import_adds_nothing(self, source: Path) -> None:
        """The same source again, by another importer of the kind, changes no log."""
        log = Log(MemoryBackend())
        first = import_history(log, self._made(), source)
        again = import_history(log, self._made(), source)

        assert (first.read, 0) == (again.read, again.added)
        assert first.added == log.head().position

    def test_the_path_is_no_part_of_an_id(self, source: Path, tmp_path: Path) -> None:
        """The same source in another place is the same source."""
        moved = tmp_path / "elsewhere"
        shutil.copytree(source.parent, moved)
        log = Log(MemoryBackend())
        import_history(log, self._made(), source)
        again = import_history(log, self._made(), moved / source.name)

        assert 0 == again.added

    def test_what_is_read_twice_is_the_same(self, source: Path) -> None:
        """Streams, ids, times and events come out the same, in the same order."""
        assert listed(self._read(source)) == listed(self._read(source))

    def test_every_event_has_an_id_of_its_own(self, source: Path) -> None:
        """No two events share one; without ids nothing could be known again."""
        ids = [new.event_id for _stream, new in self._read(source).events]
        unfit = [one for one in ids if not (isinstance(one, bytes) and len(one) == 16)]

        assert [] == unfit, "an id is 16 bytes; make it with autopack.values.ids.derived_id()"
        assert len(set(ids)) == len(ids)

    def test_events_come_in_the_order_in_which_they_happened(self, source: Path) -> None:
        """So that a replay by position is a replay by time; what has no time comes first."""
        moments = [new.occurred_at or _FIRST for _stream, new in self._read(source).events]

        assert sorted(moments) == moments

    @patiently(data=st.data())
    def test_any_part_in_any_order_is_completed(self, source: Path, data: st.DataObject) -> None:
        """What was imported before, in part and in another order, is neither lost nor doubled."""
        whole = list(self._read(source).events)
        part = data.draw(st.lists(st.sampled_from(range(len(whole))), unique=True))
        log = Log(MemoryBackend())
        for index in part:
            stream, new = whole[index]
            log.append(stream, [new], expected_version=ANY)
        report = import_history(log, self._made(), source)
        ids = {new.event_id for _stream, new in whole}
        told = [one for one in log.read_all() if one.event_id in ids]
        predicted = log.head().position - len(told)  # what an import says of phases by itself

        assert len(whole) - len(part) == report.added - predicted
        assert len(whole) == len(told)

    def test_it_leaves_its_source_as_it_is(self, source: Path) -> None:
        """Reading changes no byte, and leaves no file beside it."""
        before = contents(source.parent)
        list(self._read(source).events)
        self._made().recognises(str(source))

        assert before == contents(source.parent)

    def test_it_knows_its_own_kind(self, source: Path, tmp_path: Path) -> None:
        """It recognises its source, and no other file; a bad file is no error."""
        other = tmp_path / "other.bin"
        other.write_bytes(b"\x00\x01 nothing that anybody wrote")
        importer = self._made()

        for path, is_own in ((source, True), (other, False), (tmp_path / "missing", False)):
            found = importer.recognises(str(path))
            assert is_own is found, f"recognises({path.name!r}) is {found!r}"

    def test_what_cannot_be_read_is_refused(self, tmp_path: Path) -> None:
        """A missing or foreign source is a typed error, and nothing is imported."""
        other = tmp_path / "other.bin"
        other.write_bytes(b"\x00\x01 nothing that anybody wrote")
        log = Log(MemoryBackend())
        for path in (other, tmp_path / "missing"):
            with pytest.raises(AutopackError) as refused:
                import_history(log, self._made(), path)
            assert isinstance(refused.value, ImportRefusedError)

        assert 0 == log.head().position


def listed(source: ImportSource) -> list[Any]:
    """Return what a source gives, in a form that can be compared."""
    return [(stream, new.event_id, new.occurred_at, new.event) for stream, new in source.events]


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with what it holds."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
