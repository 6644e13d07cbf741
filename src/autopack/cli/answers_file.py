"""The answers of a batch as a file: a JSON object a line, written as they come."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from autopack.api.batch_rows import OpenRows

_KEYS: Final = frozenset({"id", "state", "output"})


class AnswersFile:
    """
    Where the answers of a batch go, in the order in which they come.

    The log has them all: what a broken-off call did not write, the next one does.

    Args:
        path: The file; None is standard output, and only what is new goes there.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = None if path is None or str(path) == "-" else path
        self.place = "standard output" if self.path is None else str(self.path)
        self._phases: Mapping[str, str] = {}
        self._rows: OpenRows | None = None
        self._log: Any = None
        self._run_id = ""
        self._stream: TextIO = sys.stdout  # while the drain works it is where users print
        if self.path is not None:
            _check_ours(self.path)

    @property
    def is_stdout(self) -> bool:
        """Whether they go to standard output."""
        return self.path is None

    @property
    def waited_for(self) -> dict[str, str]:
        """The rows whose answers are not there yet, by their phases."""
        return {} if self._rows is None else dict(self._rows.left)

    @property
    def n_known(self) -> int:
        """How many answers were there before."""
        return 0 if self._rows is None else len(self._rows.known)

    def begin(self, log: Any, run_id: str, phases: Mapping[str, str]) -> None:
        """Write what the log knows already; *phases* are those of the rows, by the rows' ids."""
        from autopack.api.batch_rows import OpenRows

        self._log, self._run_id, self._phases = log, run_id, phases
        self._rows = OpenRows(log, run_id, phases)
        if self.path is not None:
            write_lines(self._rows.known, self.path)
            self._stream = self.path.open("a", encoding="utf-8")

    def see(self, recorded: Any) -> Any:
        """Write a row's answer, and return it, once nothing more becomes of it by itself."""
        phase = None if self._rows is None else self._rows.phase_in(recorded.event)
        result = None if self._rows is None or phase is None else self._rows.ended(phase)
        if result is not None:
            self._stream.write(line_of(result))
            self._stream.flush()
        return result

    def finish(self) -> list[Any]:
        """Write the file anew from the log, in the order of the rows, and return what it holds."""
        from autopack.api.batch_rows import results_of

        results = list(results_of(self._log, self._run_id, self._phases))
        if self.path is not None:
            self._stream.close()
            write_lines(results, self.path)
        return results


def write_lines(results: Iterable[Any], path: Path) -> None:
    """Write results as JSON lines, in the place of what is there."""
    part = path.with_name(f".{path.name}.part")
    part.write_text("".join(map(line_of, results)), encoding="utf-8")
    part.replace(path)


def line_of(result: Any) -> str:
    """Return a result as a line of JSON."""
    from autopack.values.json_text import json_line

    return f"{json_line(result)}\n"


def _check_ours(path: Path) -> None:
    """Refuse to write over what is no file of answers."""
    try:
        with path.open(encoding="utf-8") as stream:
            first = stream.readline(1_000_000)
    except FileNotFoundError:
        if path.absolute().parent.is_dir():
            return
        from autopack.errors import InvalidInputError

        raise InvalidInputError(
            f"There is no folder {path.absolute().parent} for the answers: make it first.",
            name="out",
            value=path,
        ) from None
    try:
        is_ours = not first or json.loads(first).keys() >= _KEYS
    except (ValueError, AttributeError):
        is_ours = False
    if not is_ours:
        from autopack.errors import InvalidInputError  # not for a list of commands

        raise InvalidInputError(
            f"{path} is there, and is no file of answers; it was left as it is. Name another "
            "with --out.",
            name="out",
            value=path,
        )
