"""Every command that reads, on a log that may be damaged: answers or clear errors, no traceback."""

import random
import shutil
from collections import Counter
from pathlib import Path

from click.testing import CliRunner
from tests.crash.damage import Damage, damage, whole_log

from autopack import open_log
from autopack.cli.main import autopack
from autopack.errors import AutopackError

COMMANDS = (
    ("log", "info"), ("log", "info", "--json"), ("status",), ("status", "--markdown"),
    ("log", "tail", "--limit", "200"), ("log", "tail", "--limit", "200", "--json"),
    ("log", "verify"), ("log", "verify", "--views"), ("run", "list"), ("run", "show", "bulk"),
    ("phase", "show", "bulk/p00003"), ("history", "bulk"), ("history", "bulk", "p00003", "--json"),
    ("replay",), ("replay", "--projection", "attempts", "--json"),
    ("replay", "--projection", "runs", "--until", "2030-01-01T00:00:00Z", "--clock", "occurred"),
    ("calibrate",), ("views", "refresh", "--rebuild"),
)  # fmt: skip
EXPORTS = ("jsonl", "ndjson")


def check(folder: Path, *, edits: int, seed: int) -> Counter[str]:
    """
    Damage copies of one log, one edit each, and look at each with every command.

    Returns:
        How many edits of each kind were found where they stand.

    Raises:
        AssertionError: ``verify`` missed an edit or its position, or a command failed.
    """
    model, chance = whole_log(folder / "model.db"), random.Random(seed)
    with open_log(model) as log:
        found = log.verify()
        assert found.is_clean, found
        anchor = f"{found.head}:{found.head_hash}"
    counts: Counter[str] = Counter()
    for number in range(edits):
        copy = folder / f"copy-{number}.db"
        shutil.copyfile(model, copy)
        done = damage(copy, chance)
        problems = [*_unfound(copy, done, anchor), *_failures(copy)]
        assert not problems, f"seed {seed}, edit {number}, {done}: {problems}"
        counts[done.kind] += 1
        for left in folder.glob(f"copy-{number}.*"):
            left.unlink()
    return counts


def _unfound(path: Path, done: Damage, anchor: str) -> list[str]:
    try:
        with open_log(path) as log:
            faults = log.verify(anchor if done.needs_anchor else None).faults
    except AutopackError as fault:
        return [f"verify was refused: {fault}"]
    named = {fault.position for fault in faults}
    return [] if named & done.positions else [f"only {sorted(map(str, faults))} were found"]


def _failures(path: Path) -> list[str]:
    problems = []
    exports = [("export", kind, str(path.with_suffix(f".{kind}"))) for kind in EXPORTS]
    for words in (*COMMANDS, *exports):
        result = CliRunner().invoke(autopack, ["--log", str(path), *words])
        if result.exit_code not in (0, 1, 2) or not isinstance(result.exception, SystemExit | None):
            problems.append(f"{words}: {result.exception!r}")
    return problems
