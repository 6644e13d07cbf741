"""What the importers' tests share: no network, files of lines, and the account of what was used."""

import json
import random
from pathlib import Path
from typing import Any

from autopack import create_log, import_history, status
from autopack.types import Log
from autopack_histories import plugin

COUNTS = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
)  # fmt: skip


def importer(name: str) -> Any:
    """The importer of that name, as the plugin registers it."""
    made: dict[str, Any] = {}
    plugin.autopack_register_importers(lambda key, one: made.update({key: one}))
    return made[name]


def bring(log: Log, name: str, path: Path) -> Any:
    """Import a path by an importer's name."""
    return import_history(log, importer(name), path)


def events(log: Log, type_name: str) -> list[Any]:
    """The events of a type, in order."""
    return [one.event for one in log.read_all() if one.type == type_name]


def calls(log: Log) -> dict[str, dict[str, int]]:
    """Each call's figures by its id, as amended; unknown is left out."""
    found: dict[str, dict[str, int]] = {}
    for one in log.read_all():
        if one.type in ("llm.usage_recorded", "llm.usage_amended"):
            told = {name: getattr(one.event, name, None) for name in COUNTS}
            known = found.setdefault(one.event.call_id, {})
            known |= {name: count for name, count in told.items() if count is not None}
    return found


def sums(log: Log) -> dict[str, int]:
    """All that was used, and how many calls it was."""
    told = calls(log)
    found = {name: sum(one.get(name, 0) for one in told.values()) for name in COUNTS}
    return {"calls": len(told), **found}


def write_lines(path: Path, lines: list[Any]) -> Path:
    """Write lines as JSON lines; a text is written as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def check_order_and_repeats(
    folder: Path, name: str, files: dict[str, list[Any]], seed: int, *, shuffled: bool = True
) -> None:
    """
    Check that files, and their lines, in any order and number give the same totals.

    The files are brought in as they are; then, into another log, as they may have stood while they
    grew, mixed and with repeats, by several imports; last the whole again, which must add nothing.
    """
    drawn = random.Random(seed)
    whole = folder / "whole"
    for place, lines in files.items():
        write_lines(whole / place, lines)
    with create_log("memory:") as log:
        bring(log, name, whole)
        wanted = sums(log)
    with create_log("memory:") as log:
        for turn in range(3):
            part = folder / f"part-{turn}"
            for place, lines in drawn.sample(list(files.items()), len(files)):
                some = lines[: len(lines) if turn == 2 else drawn.randint(0, len(lines))]
                some = some + drawn.choices(some, k=3) if some else some
                if shuffled:
                    drawn.shuffle(some)
                write_lines(part / place, some)
            try:
                bring(log, name, part)
            except Exception as refused:  # a part without a line that tells whose it is
                if "holds nothing" not in str(refused):
                    raise
        bring(log, name, whole)
        again = bring(log, name, whole)

        assert wanted == sums(log)
        assert 0 == again.added
        assert wanted["calls"] == status(log).calls
        assert log.verify().is_clean
