"""Kills a process that writes, again and again, and looks at what is left."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import attrs
from tests.benchmarks.measuring import ROOT

from autopack import create_log, open_log
from autopack.events import LlmUsageRecorded, RunPaused

_KILLS_A_LOG = 25
_START_S = 60.0


@attrs.define
class Tally:
    """What was counted over all kills; only the first three may be above 0."""

    kills: int = 0
    events: int = 0
    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    invalid_logs: int = 0
    wrong_views: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.duplicated or self.invalid_logs or self.wrong_views)


def kill_many(folder: Path, *, times: int, seed: int, longest_s: float = 0.4) -> Tally:
    """Kill a writer at random moments and check its log after each; a new log every 25."""
    chance, tally = random.Random(seed), Tally()
    path = diary = folder
    while tally.kills < times:
        if tally.kills % _KILLS_A_LOG == 0:
            path = folder / f"log-{tally.kills}.db"
            diary = path.with_suffix(".diary")
            create_log(path).close()
        _kill(path, diary, chance, longest_s)
        tally.kills += 1
        _check(path, diary, tally, is_last=tally.kills % _KILLS_A_LOG == 0 or tally.kills == times)
    return tally


def _kill(path: Path, diary: Path, chance: random.Random, longest_s: float) -> None:
    began = diary.stat().st_size if diary.exists() else 0
    command = [sys.executable, "-m", "tests.crash.victim", path, diary, str(chance.random())]
    child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    give_up = time.monotonic() + _START_S
    while not (diary.exists() and diary.stat().st_size > began):
        if child.poll() is not None or time.monotonic() > give_up:
            child.kill()
            raise AssertionError(f"The writer did not start: {child.communicate()[1].decode()}")
        time.sleep(0.005)
    time.sleep(chance.random() ** 2 * longest_s)
    os.kill(child.pid, signal.SIGKILL)
    _out, errors = child.communicate()
    assert child.returncode == -signal.SIGKILL, errors.decode()


def _check(path: Path, diary: Path, tally: Tally, *, is_last: bool) -> None:
    noted = diary.read_text(encoding="ascii").splitlines()
    acknowledged = {line[2:] for line in noted if line.startswith(("A ", "U "))}
    found: Counter[str] = Counter()
    with open_log(path) as log:
        for recorded in log.read_all():
            match recorded.event:
                case RunPaused(why=why):
                    found[why] += 1
                case LlmUsageRecorded(call_id=call):
                    found[call] += 1
        checked = log.verify(views=True)
    tally.lost += len(acknowledged - found.keys())
    tally.duplicated += sum(n - 1 for n in found.values())
    tally.invalid_logs += any("view" not in fault.what for fault in checked.faults)
    tally.wrong_views += any("view" in fault.what for fault in checked.faults)
    if is_last:
        tally.events += checked.events
        tally.acknowledged += len(acknowledged)
