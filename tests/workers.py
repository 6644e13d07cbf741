"""Workers in processes of their own, and an executor that goes on until it is told to end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autopack import Log, replay, status

PATIENCE_S = 60.0
EXECUTOR = """\
import asyncio, os, pathlib

from autopack import Completed, open_log, read_text


def before(phase):
    with open_log(os.environ["AUTOPACK_TEST_LOG"]) as log:
        return [read_text(log, f"{phase.run_id}/{name}", "told.txt") for name in phase.after]


async def execute(phase, attempt):
    here = pathlib.Path(os.environ["AUTOPACK_TEST_PLACE"])
    await attempt.arecord_usage(model="m", input_tokens=10, output_tokens=20)
    (here / f"began-{phase.phase_id}-{attempt.number}").touch()
    while not (here / f"go-{phase.phase_id}").exists():
        await asyncio.sleep(0.02)
    told = [*before(phase), f"{phase.phase_id} in {pathlib.Path.home().name}"]
    return Completed(outputs={"told.txt": ", ".join(told)})
"""
ON_A_MACHINE = """\
import pathlib, platform, sys

name = sys.argv.pop(1)
platform.node = lambda: name
import autopack.draining.attempts.steady_clock as steady_clock

steady_clock._BOOT_ID = pathlib.Path.home() / "boot_id"
from autopack.cli.main import main

main()
"""


def begun_worker(
    address: object, place: Path, *options: str, home: str = "here", is_far: bool = False
) -> "subprocess.Popen[str]":
    """
    Begin a worker at a log, in a home of its own.

    Args:
        place: A folder in which its executor says that phases began, and is told to end them.
        home: A folder of that name below *place* is its home, and where it is begun.
        is_far: Whether it is on another machine: its host has the home's name, and was booted
            by itself, so that nobody here knows its clock and its processes.
    """
    folder = place / home
    folder.mkdir(exist_ok=True)
    (folder / "work.py").write_text(EXECUTOR, encoding="utf-8")
    (folder / "boot_id").write_text(f"boot of {home}", encoding="ascii")
    begun = ["-c", ON_A_MACHINE, home] if is_far else ["-m", "autopack"]
    named = [] if "--" in options else ["--executor", "work.py:execute"]
    outside = {"HOME": folder, "AUTOPACK_TEST_PLACE": place, "AUTOPACK_TEST_LOG": address}
    return subprocess.Popen(
        [sys.executable, *begun, "--log", str(address), "worker", *named, *options],
        cwd=folder,
        env={**os.environ, **{name: str(value) for name, value in outside.items()}},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def told(worker: "subprocess.Popen[str]", signal_: int | None = signal.SIGTERM) -> tuple[int, str]:
    """Send a signal, if any, and return how the worker ended, and all that it said."""
    if signal_ is not None:
        worker.send_signal(signal_)
    said, more = worker.communicate(timeout=PATIENCE_S)
    return worker.returncode, said + more


def wait_for(what: Callable[[], Any]) -> Any:
    """Return what comes true in the end."""
    ends_s = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < ends_s, "nothing came of it"
        time.sleep(0.02)
    return found


def rows_of(log: Log) -> dict[str, Any]:
    """How each phase stands, by its id."""
    return {row.phase_id: row for row in replay(log, "phases").rows.values()}


def is_at_work(log: Log) -> Callable[[], Any]:
    """Return what tells which drains some process works on."""
    return lambda: status(log).drains
