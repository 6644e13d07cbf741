"""The answers of a batch as a file: a JSON object a line, written as they come."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TextIO

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
        self._left: dict[str, str] = {}
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
    def waited_for(self) -> list[str]:
        """The phases of rows whose answers are not there yet."""
        return list(self._left)

    def begin(self, log: Any, run_id: str, phases: Mapping[str, str]) -> None:
        """Write what the log knows already; *phases* are those of the rows, by the rows' ids."""
        from autopack.api.batch_rows import results_of

        self._log, self._run_id, self._phases = log, run_id, phases
        known = list(results_of(log, run_id, phases))
        over = {result.id for result in known}
        self._left = {phase: row for row, phase in phases.items() if row not in over}
        if self.path is not None:
            self._write_anew(known)
            self._stream = self.path.open("a", encoding="utf-8")

    def see(self, recorded: Any) -> Any:
        """Write a row's answer, and return it, once nothing more becomes of it by itself."""
        from autopack.api.batch_rows import is_over, result_of
        from autopack.api.views import get_phase

        phase = getattr(recorded.event, "phase_id", None)
        if phase not in self._left or recorded.event.run_id != self._run_id:
            return None
        view = get_phase(self._log, (self._run_id, phase))
        if not is_over(view):
            return None
        result = result_of(self._log, view, self._left.pop(phase))
        self._put(_line(result))
        return result

    def finish(self) -> list[Any]:
        """Write the file anew from the log, in the order of the rows, and return what it holds."""
        from autopack.api.batch_rows import results_of

        results = list(results_of(self._log, self._run_id, self._phases))
        if self.path is not None:
            self._stream.close()
            self._write_anew(results)
        return results

    def _put(self, line: str) -> None:
        self._stream.write(line)
        self._stream.flush()

    def _write_anew(self, results: Iterable[Any]) -> None:
        assert self.path is not None
        part = self.path.with_name(f".{self.path.name}.part")
        part.write_text("".join(map(_line, results)), encoding="utf-8")
        part.replace(self.path)


def _line(result: Any) -> str:
    from autopack.values.json_text import json_line

    return f"{json_line(result)}\n"


def _check_ours(path: Path) -> None:
    """Refuse to write over what is no file of answers."""
    try:
        with path.open(encoding="utf-8") as stream:
            first = stream.readline(1_000_000)
    except FileNotFoundError:
        return
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
