"""Strategies that are no functions of what they are shown: a replay elsewhere catches each."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from autopack import create_log, create_run
from drains import specs

STRATEGIES = """\
import os
import random
import time
import uuid
from pathlib import Path

from autopack import Choose, Wait

COUNT = 0
DRAWN = random.Random(7)
TOLD = Path(__file__).with_name("told.txt")


def by(number):
    def choose(view):
        if not view.ready:
            return Wait("nothing is ready", until=view.next_ready_at)
        return Choose(view.ready[number(view) % len(view.ready)].ref, "by something else")

    return choose


def counted(_view):
    global COUNT
    COUNT += 1
    return COUNT


def appended(_view, seen=[]):
    seen.append(1)
    return len(seen)


def first_of_a_set(view):
    keys = [phase.key for phase in view.ready]
    return keys.index(next(iter(set(keys))))


def later(_view):
    return int(time.time() > float(os.environ["AUTOPACK_TEST_NOON"]))


class Sticky:
    last = None

    def __call__(self, view):
        if not view.ready:
            return Wait("nothing is ready", until=view.next_ready_at)
        runs = [phase.run_id for phase in view.ready]
        at = runs.index(self.last) if self.last in runs else 0
        self.last = runs[at]
        return Choose(view.ready[at].ref, "in the run that was last")


clock = by(lambda view: time.perf_counter_ns() // 1000)
hour = by(later)
draws = by(lambda view: random.randrange(1000))
seeded = by(lambda view: DRAWN.randrange(1000))
system = by(lambda view: uuid.uuid4().int)
counter = by(counted)
default = by(appended)
environment = by(lambda view: int(os.environ["AUTOPACK_TEST_TOLD"]))
file = by(lambda view: int(TOLD.read_text(encoding="utf-8")))
unordered = by(first_of_a_set)
hashed = by(lambda view: hash(view.ready[0].phase_id) + hash(view.ready[-1].key))
address = by(lambda view: id(object()) // 16 + id(view.ready[0]) // 16)
process = by(lambda view: random.Random(os.getpid() * 31 + len(view.ready)).randrange(1000))
sticky = Sticky

pure = by(lambda view: len(view.ready) // 2)
ordered = by(lambda view: [phase.key for phase in view.ready].index(min({
    phase.key for phase in view.ready
})))
"""

WORK = """\
import json, sys
from pathlib import Path

import autopack

folder, act, *names = sys.argv[1:]
told = {}
for name in names:
    path = Path(folder, f"{name}.db")
    if act == "drain":
        with autopack.open_log(path) as log:
            strategy = f"{folder}/impure.py:{name}"
            autopack.drain(log, executor=lambda phase, attempt: None, strategy=strategy)
    else:
        with autopack.open_log(path) as log:
            found = autopack.replay_drain(log)
            first = next(log.read_all(after=0, types=[autopack.events.DrainPhaseSelected]))
            parted = None if found.parted is None else found.parted.position
            told[name] = [found.n_asked, parted, found.is_impure, first.position]
print(json.dumps(told))
"""

PURE = ("pure", "ordered")
IMPURE = (
    "clock", "hour", "draws", "seeded", "system", "counter", "default", "environment", "file",
    "unordered", "hashed", "address", "process", "sticky",
)  # fmt: skip


def work(folder, act, *, seed, told, noon):
    """Drain, or replay, by each strategy in a process of its own; return what it tells."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "AUTOPACK_TEST_TOLD": told,
        "AUTOPACK_TEST_NOON": noon,
        "AUTOPACK_DISABLE_PLUGINS": "1",
    }
    (folder / "told.txt").write_text(told, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(folder), act, *PURE, *IMPURE],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.remembers
@pytest.mark.slow
def test_what_is_impure_is_caught_in_another_process(tmp_path):
    """By the position at which it answers otherwise, where the world is another; no other is."""
    (tmp_path / "impure.py").write_text(STRATEGIES, encoding="utf-8")
    with create_log(tmp_path / "empty.db") as log:
        for run_id in ("r", "s"):
            create_run(log, run_id, specs(*(f"p{n}" for n in range(4))))
    for name in (*PURE, *IMPURE):
        shutil.copy(tmp_path / "empty.db", tmp_path / f"{name}.db")
    work(tmp_path, "drain", seed="1", told="0", noon="9e12")
    found = work(tmp_path, "replay", seed="2", told="1", noon="0")
    caught = {
        name for name, (_n, parted, _is_impure, first) in found.items() if (parted or 0) >= first
    }

    assert {8} == {n_asked for n_asked, *_others in found.values()}
    assert set(IMPURE) == caught
    assert caught == {name for name, told in found.items() if told[2]}
