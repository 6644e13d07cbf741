"""The answers of a run as files: a JSON object a phase, or a file an output."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from autopack.cli.answers_file import line_of, write_lines

if TYPE_CHECKING:
    from autopack.log.log import Log

_OTHER: Final = re.compile(r"[^\w.-]+")
_LONGEST: Final = 120


def write_results(log: "Log", run_id: str, path: Path) -> int:
    """Write what became of each phase, a JSON object a line; return how many."""
    from autopack.api.batch_rows import result_of
    from autopack.api.views import list_phases
    from autopack.cli.output import print_as_stored

    results = [result_of(log, phase, phase.phase_id) for phase in list_phases(log, run_id)]
    if str(path) == "-":
        print_as_stored("".join(map(line_of, results)))
    else:
        write_lines(results, path)
    return len(results)


def write_files(log: "Log", run_id: str, folder: Path) -> int:
    """
    Write each output of each phase as ``FOLDER/PHASE/NAME``, or what a phase printed as ``stdout``.

    Characters that a file's name should not have are written as ``_``; return how many.
    """
    from autopack.api.batch_rows import output_of
    from autopack.api.views import list_phases

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise click.UsageError(f"{folder} is there, and is not empty: name a new folder.")
    texts: dict[Path, str] = {}
    for phase in list_phases(log, run_id):
        place = folder / _safe(phase.phase_id)
        named = {name: log.artifacts.get(digest) for name, digest in phase.outputs.items()}
        printed = None if named else output_of(log, phase)
        named |= {} if printed is None else {"stdout": printed}
        for name, text in named.items():
            path = place / _safe(name)
            if path in texts:
                raise click.UsageError(f"Two outputs would be written to {path}: use --jsonl.")
            texts[path] = text
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    return len(texts)


def _safe(name: str) -> str:
    """Return a name that stays in its folder, on any system."""
    return _OTHER.sub("_", name).lstrip(".")[:_LONGEST] or "_"
