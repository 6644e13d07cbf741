"""
How long a million lines of Claude Code take, and how much memory.

Run as ``python plugins/autopack-histories/tests/million_lines.py [LINES]``: it writes one session
of so many answers into a folder of its own, imports it, and prints the time and the peak.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from autopack import create_log, import_history
from autopack_histories.claude_code import ClaudeCode

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_TURN = 20


def lines(count: int) -> Iterator[dict[str, Any]]:
    """Yield as many answers, twenty a prompt, each of a second of its own."""
    for number in range(count):
        at = (_BEGAN + timedelta(seconds=number)).isoformat()
        about = {"parentUuid": None, "cwd": "/home/u/shop", "sessionId": "s", "timestamp": at}
        if number % _TURN == 0:
            message: dict[str, Any] = {"role": "user", "content": f"Do thing {number}"}
            yield {**about, "type": "user", "uuid": f"u{number}", "message": message}
        usage = {
            "input_tokens": 910, "cache_creation_input_tokens": 700,
            "cache_read_input_tokens": 100, "output_tokens": 307,
        }  # fmt: skip
        ended = "end_turn" if number % _TURN == _TURN - 1 else "tool_use"
        message = {"id": f"msg_{number}", "model": "m-1", "stop_reason": ended, "usage": usage}
        yield {**about, "type": "assistant", "uuid": f"a{number}", "message": message}


def main(count: int) -> None:
    """Write, import, and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        session = Path(folder, "session.jsonl")
        with session.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines(count))
        with create_log(Path(folder, "log.db")) as log:
            began, worked = time.perf_counter(), time.process_time()
            report = import_history(log, ClaudeCode(), session)
            took, work = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    told = f"{count:,} lines, {report.added:,} events"
    print(f"{told}: {took:.1f} s, {work:.1f} s of it at work, {peak} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
