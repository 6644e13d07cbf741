"""Starting: the import, the version, and commands on a large log, as processes."""

import sys
from pathlib import Path

from tests.benchmarks.measuring import Row, most_row, process_s

_AUTOPACK = Path(sys.executable).with_name("autopack")


def import_rows() -> list[Row]:
    """Measure what ``import autopack`` and ``--version`` take over a bare interpreter."""
    bare = process_s(sys.executable, "-c", "pass")
    imported = process_s(sys.executable, "-c", "import autopack")
    version = process_s(_AUTOPACK, "--version")
    beside = f"bare interpreter {bare * 1000:.0f} ms"
    return [
        most_row("import autopack", (imported - bare) * 1000, "ms", most=30, beside=beside),
        most_row("autopack --version", (version - bare) * 1000, "ms", most=120, beside=beside),
    ]


def command_rows(path: Path) -> list[Row]:
    """Measure reading commands on the log at *path*, whose views are fresh."""
    measured = []
    for words in (("log", "info"), ("run", "list"), ("status",)):
        took_s = process_s(_AUTOPACK, "--log", path, *words, tries=5)
        measured.append(
            most_row(" ".join(words), took_s * 1000, "ms", most=200, beside="process included")
        )
    return measured
