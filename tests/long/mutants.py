"""Faults that are put into the core one at a time, and the tests that have to notice each."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Final

import attrs

ROOT: Final = Path(__file__).parent.parent.parent
_HANGS_S: Final = 60


@attrs.frozen
class Mutant:
    """
    One fault, as it might slip in by an edit.

    Args:
        what: What would go out unnoticed.
        file: Where, below ``src/autopack``.
        old: What stands there, once.
        new: What is put in its place.
        tests: The file of tests that holds it.
    """

    what: str
    file: str
    old: str
    new: str
    tests: str


MUTANTS: Final = tuple(
    Mutant(**fields)
    for fields in tomllib.loads(Path(__file__).with_name("mutants.toml").read_text("utf-8"))[
        "mutant"
    ]
)


def check_each(folder: Path, *, only: str = "") -> str:
    """
    Put each fault into a copy of the package and run the tests that hold it; return figures.

    Args:
        only: Those whose ``what`` or ``file`` has this in it.

    Raises:
        AssertionError: A fault was noticed by no test, or the tests hung instead of failing.
    """
    wanted = [one for one in MUTANTS if only in one.what or only in one.file]
    shutil.copytree(ROOT / "src", folder / "src")
    found: Counter[str] = Counter()
    for one in wanted:
        answer = _answer(folder / "src", one)
        sys.stderr.write(f"{answer:<9} {one.file}: {one.what}\n")
        found[answer] += 1
    assert found["killed"] == len(wanted), dict(found)
    return f"{len(wanted)} mutants, each killed by its tests"


def _answer(source: Path, one: Mutant) -> str:
    path = source / "autopack" / one.file
    text = path.read_text("utf-8")
    path.write_text(text.replace(one.old, one.new), "utf-8")
    call = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", f"--timeout={_HANGS_S}"]
    try:
        done = subprocess.run(
            [*call, *one.tests.split()],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    finally:
        path.write_text(text, "utf-8")
    if "Timeout (" in done.stdout or "Timeout >" in done.stdout:
        return "hung"
    return {0: "SURVIVED", 1: "killed"}.get(done.returncode, f"exit {done.returncode}")
