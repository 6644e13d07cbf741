"""What the importers of files have in common: a file or a folder of them, read once each."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from autopack.errors import ImportRefusedError
from autopack.types import ImportSource
from autopack_histories.documents import TOO_LARGE, is_too_large
from autopack_histories.folders import files_below
from autopack_histories.lines import first_objects
from autopack_histories.notes import Notes
from autopack_histories.sessions import Entry


class FileImporter:
    """
    Imports a file, or every such file below a folder.

    Subclasses say which files are meant by their names, which by what they hold, and read one.
    """

    name: ClassVar[str]

    def is_named(self, name: str) -> bool:
        """Tell by a file's name whether it may be one."""
        raise NotImplementedError

    def is_mine(self, path: Path) -> bool:
        """Tell by what a file holds whether it is one; never raises."""
        raise NotImplementedError

    def entries(self, path: Path, notes: Notes) -> Iterator[Entry]:
        """Yield the events of a file."""
        raise NotImplementedError

    def places(self, home: Path, environ: Mapping[str, str]) -> list[Path]:
        """Return where the tool keeps its own: none, unless a subclass says so."""
        del home, environ
        return []

    def recognises(self, path: str) -> bool:
        """Tell whether a file is one, or a folder holds one."""
        root = Path(path)
        if root.is_dir():
            found = files_below(root, self.is_named, Notes())
            return any(self._is_mine(Path(one)) for one in found)
        return root.is_file() and self._is_mine(root)

    def read(self, path: str) -> ImportSource:
        """
        Return what a file, or all files below a folder, tell; they are opened read-only.

        Raises:
            ImportRefusedError: There is nothing, or nothing of this kind.
        """
        root, notes = Path(path), Notes()
        if root.is_dir():
            files = files_below(root, self.is_named, notes)
        elif root.is_file():
            files = [path] if self._is_mine(root) else []
        else:
            raise ImportRefusedError(path, "there is no such file or folder")
        if not files and root.is_file() and is_too_large(root):
            raise ImportRefusedError(path, f"{TOO_LARGE} cannot be read, and this is one")
        if not files:
            raise ImportRefusedError(path, f"it holds nothing that the importer {self.name} reads")
        return ImportSource(events=self._all(files, notes), findings=notes.report, known_by_id=True)

    def _all(self, files: list[str], notes: Notes) -> Iterator[Entry]:
        for path in map(Path, files):
            if len(files) > 1 and not self._is_mine(path):
                notes.set_aside(TOO_LARGE if is_too_large(path) else "files of another kind")
                continue
            notes.file()
            try:
                yield from self.entries(path, notes)
            except Exception as fault:  # a shape that nobody has met yet stops this file alone
                notes.set_aside(f"files that could not be read ({type(fault).__name__})")

    def _is_mine(self, path: Path) -> bool:
        try:
            return self.is_mine(path)
        except Exception:  # it cannot be told whose it is
            return False


class JsonLinesImporter(FileImporter):
    """Imports files of JSON lines, told by one of their first lines."""

    endings: ClassVar[tuple[str, ...]] = (".jsonl", ".jsonl.gz")

    def is_named(self, name: str) -> bool:
        """Tell by a file's ending whether it may be one."""
        return name.endswith(self.endings)

    def is_mine(self, path: Path) -> bool:
        """Tell whether one of the first lines is of this tool."""
        return any(self.knows(found) for found in first_objects(path))

    def knows(self, found: dict[str, Any]) -> bool:
        """Tell whether a line is one that this tool alone writes."""
        raise NotImplementedError
