"""Drains that are killed while they start programs, and what is left alive afterwards."""

import contextlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import attrs

from autopack import PhaseSpec, create_log, create_run

_MAIN: Final = "import sys; from autopack.cli.main import main; main()"
_PROGRAM: Final = 'echo >> "$0"; case $(($$ % 3)) in 0) sleep 0.0$(($$ % 7));; *) sleep 60;; esac'
_PHASES: Final = 400
_WORKERS: Final = 8
_LATEST_KILL_S: Final = 1.5
_WAIT_S: Final = 10.0


@attrs.define
class Tally:
    """How many kills there were, how many programs had begun, and which were still alive."""

    kills: int = 0
    begun: int = 0
    left: list[str] = attrs.Factory(list)


def kill_many(folder: Path, *, times: int, seed: int) -> Tally:
    """
    Kill *times* drains with SIGKILL at random moments of their first second and a half.

    Most are killed early, while all their workers start a program at once.
    """
    chance, tally = random.Random(seed), Tally()
    for number in range(times):
        home = folder / f"{number}-{secrets.token_hex(8)}"  # its name is in each command line
        home.mkdir()
        _kill_one(home, _LATEST_KILL_S * chance.random() ** 3)
        tally.kills += 1
        tally.begun += len((home / "begun").read_bytes())
        tally.left += _left(home.name)
    return tally


def _kill_one(home: Path, after_s: float) -> None:
    with create_log(home / "log.db") as log:
        create_run(
            log,
            "r",
            [PhaseSpec(f"p{n}", category="docs", complexity="low") for n in range(_PHASES)],
        )
    command = json.dumps(["/bin/sh", "-c", _PROGRAM, str(home / "begun")])
    drain = subprocess.Popen(
        [sys.executable, "-c", _MAIN, "--log", str(home / "log.db"), "drain",
         "--workers", str(_WORKERS), "--command", command, "-x", "grace_s=1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        while not (home / "begun").exists() and drain.poll() is None:
            time.sleep(0.01)
        time.sleep(after_s)
    finally:
        drain.kill()
        drain.wait()


def _left(mark: str) -> list[str]:
    """Return the programs with this mark that do not go away, and end them."""
    until = time.monotonic() + _WAIT_S
    while (left := _alive(mark)) and time.monotonic() < until:
        time.sleep(0.1)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return list(left.values())


def _alive(mark: str) -> dict[int, str]:
    told = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    )
    lines = [line.split(None, 1) for line in told.stdout.splitlines()]
    return {int(line[0]): line[1] for line in lines if mark in line[-1]}
