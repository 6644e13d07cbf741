"""
The process that is killed: it appends, drains and refreshes views until it no longer can.

What it is about to append, and what was acknowledged, goes to a file of its own, line by line:
``I ID`` an event is about to be appended, ``A ID`` the append returned, ``U CALL`` a call's usage
was recorded, ``R`` it is at work. After a start it appends again what it was never told about.
"""

import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autopack import create_run, drain, open_log
from autopack.events import RunPaused
from autopack.log.log import Log
from autopack.ports.log import ANY, NewEvent
from autopack.ports.prediction import PhaseSpec
from autopack.ports.work import Completed
from autopack.values.ids import EventId

_STREAMS = ("run-a", "run-b", "run-c")


class Diary:
    """Lines that survive the process: each is one write to the end of a file."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def note(self, *lines: str) -> None:
        """Write lines."""
        os.write(self._handle, "".join(f"{line}\n" for line in lines).encode())


def event_of(event_id: bytes) -> NewEvent:
    """Return the event that an id stands for, the same each time."""
    event = RunPaused(run_id="a", why=event_id.hex(), actor="victim")
    return NewEvent(event=event, event_id=EventId(event_id))


def work(log: Log, diary: Diary, chance: random.Random) -> None:
    """Do one thing of those that write."""
    deed = chance.random()
    if deed < 0.6:
        append(log, diary, [chance.randbytes(16) for _ in range(chance.choice([1, 1, 3, 40]))])
    elif deed < 0.7:
        log.refresh_views(rebuild=chance.random() < 0.3)
    elif deed < 0.75:
        log.artifacts.put(chance.randbytes(500).hex())
    else:
        _drain(log, diary, chance)


def append(log: Log, diary: Diary, ids: Sequence[bytes]) -> None:
    """Append a batch over several streams, and note before and after."""
    diary.note(*(f"I {one.hex()}" for one in ids))
    log.append_batch([(_STREAMS[one[0] % 3], [event_of(one)], ANY) for one in ids])
    diary.note(*(f"A {one.hex()}" for one in ids))


def _drain(log: Log, diary: Diary, chance: random.Random) -> None:
    run = f"d-{chance.randbytes(4).hex()}"
    specs = [PhaseSpec(f"p{n}", category="docs", complexity="low") for n in range(3)]
    create_run(log, run, specs)

    def execute(phase: Any, attempt: Any) -> Completed:
        call = f"{phase.run_id}/{phase.phase_id}/{attempt.number}"
        attempt.record_usage(call_id=call, model="m", input_tokens=5, output_tokens=7)
        diary.note(f"U {call}")
        return Completed()

    drain(log, executor=execute, lease_s=0.5, max_minutes=0.01)


def unanswered(path: Path) -> list[bytes]:
    """Return the events that were about to be appended and never acknowledged."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="ascii").splitlines()
    answered = {line[2:] for line in lines if line.startswith("A ")}
    intended = dict.fromkeys(line[2:] for line in lines if line.startswith("I "))
    return [bytes.fromhex(one) for one in intended if one not in answered]


def main(log_path: str, diary_path: str, seed: str) -> None:
    """Work until killed."""
    left, diary, chance = unanswered(Path(diary_path)), Diary(Path(diary_path)), random.Random(seed)
    with open_log(log_path) as log:
        diary.note("R")
        if left:
            append(log, diary, left)
        while True:
            work(log, diary, chance)


if __name__ == "__main__":
    main(*sys.argv[1:])
