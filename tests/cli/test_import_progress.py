"""How far an import is: on a terminal, and only there."""

import io

from autopack.cli.import_progress import import_progress, progress_line
from autopack.types import ImportReport
from screens import shown


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def report(read, **findings):
    return ImportReport(
        importer="x", source="/x", read=read, added=read - 1, repeated=1, findings=findings
    )


def test_a_terminal_is_told_and_left_clean(monkeypatch):
    """One line, drawn over and over, and gone in the end."""
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")

    def rows():
        found = shown(screen.getvalue().replace("\n", "\r\n").encode(), width=80)
        return [row for row in found if row]

    with import_progress() as progress:
        progress(report(10_000, files=2))
        progress(report(20_000, files=12))
        during = rows()

    assert ["20,000 events read from 12 files, 19,999 added"] == during
    assert [] == rows()


def test_nobody_else_is(monkeypatch):
    """A file or a pipe gets nothing, nor does a terminal that cannot draw."""
    for stream, kind in ((io.StringIO(), "xterm"), (Terminal(), "dumb")):
        monkeypatch.setattr("sys.stderr", stream)
        monkeypatch.setenv("TERM", kind)
        with import_progress() as progress:
            assert progress is None

        assert "" == stream.getvalue()


def test_files_are_told_where_there_are_many():
    """One file, or a source without files, is not worth a word."""
    assert [
        "10 events read, 9 added",
        "10 events read, 9 added",
        "10 events read from 2,000 files, 9 added",
    ] == [progress_line(report(10, **told)) for told in ({}, {"files": 1}, {"files": 2_000})]
