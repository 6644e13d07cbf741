"""Many processes append while others follow; no follower sees a gap, a repeat or a reordering."""

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import ROOT

from autopack import create_log, open_log
from autopack.events import RunPaused
from autopack.ports.log import ANY


def watch(folder: Path, *, appenders: int, followers: int, seconds: float) -> dict[str, Any]:
    """
    Let appenders write for a while, and compare what each follower saw with the log.

    Raises:
        AssertionError: A follower saw a gap, a repeat or a reordering, or missed an event.
    """
    path, stop = folder / "log.db", folder / "stop"
    create_log(path).close()
    watching = [_child("follow", path, stop) for _ in range(followers)]
    writing = [_child("append", path, name, seconds) for name in range(appenders)]
    written = sum(_answer(child)["appended"] for child in writing)
    stop.touch()
    seen = [_answer(child) for child in watching]
    with open_log(path) as log:
        head, digest = log.head().position, _digest(r.event_id for r in log.read_all())
        assert log.verify().is_clean
    assert head == written, f"{written} were acknowledged, {head} are there"
    for one in seen:
        assert {"events": head, "out_of_place": 0, "digest": digest} == one, one
    return {"events": head, "appenders": appenders, "followers": followers}


def _child(*arguments: object) -> subprocess.Popen[str]:
    call = [sys.executable, "-m", "tests.crash.followers", *map(str, arguments)]
    return subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _answer(child: subprocess.Popen[str]) -> dict[str, Any]:
    told, _errors = child.communicate()
    assert child.returncode == 0, told
    answer: dict[str, Any] = json.loads(told)
    return answer


def _digest(ids: Any) -> str:
    return hashlib.sha256(b"".join(ids)).hexdigest()


def append(path: str, name: str, seconds: str) -> dict[str, Any]:
    """Append to a shared stream and one of its own, one to five events at a time."""
    ends, n = time.monotonic() + float(seconds), 0
    with open_log(path) as log:
        while time.monotonic() < ends:
            events = [
                RunPaused(run_id=name, why=str(n + more), actor=name) for more in range(1 + n % 5)
            ]
            stream = "shared" if n % 3 else f"own-{name}"
            log.append(stream, events, expected_version=ANY)
            n += len(events)
    return {"appended": n}


def follow(path: str, stop: str) -> dict[str, Any]:
    """Follow until told, and count events that do not come right after the one before."""
    out_of_place, position, ids = 0, 0, []
    counts: dict[str, int] = {}
    with open_log(path) as log:
        for recorded in log.follow(until=Path(stop).exists):
            expected = str(counts.get(recorded.event.run_id, 0))
            out_of_place += recorded.position != position + 1 or recorded.event.why != expected
            position = recorded.position
            counts[recorded.event.run_id] = int(expected) + 1
            ids.append(recorded.event_id)
    return {"events": len(ids), "out_of_place": out_of_place, "digest": _digest(ids)}


if __name__ == "__main__":
    name, *given = sys.argv[1:]
    print(json.dumps({"append": append, "follow": follow}[name](*given)))
