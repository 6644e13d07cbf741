"""Small programs that print what the real ones print, run by the interpreter of the tests."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SESSION = "495cc7e5-d22e-4192-92ba-4ce2d14827a6"

RESULT = {
    "type": "result", "subtype": "success", "is_error": False, "duration_ms": 283992,
    "duration_api_ms": 251052, "num_turns": 41, "result": "The module is written.",
    "stop_reason": "end_turn", "session_id": SESSION, "total_cost_usd": 1.4020935,
    "usage": {
        "input_tokens": 2409, "cache_creation_input_tokens": 29104,
        "cache_read_input_tokens": 1617801, "output_tokens": 15946,
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 29104},
    },
    "modelUsage": {
        "claude-sonnet-5": {
            "inputTokens": 2409, "outputTokens": 15946, "cacheReadInputTokens": 1617801,
            "cacheCreationInputTokens": 29104, "webSearchRequests": 0, "costUSD": 1.4014955,
            "contextWindow": 200000,
        },
        "claude-haiku-4-5": {
            "inputTokens": 340, "outputTokens": 52, "cacheReadInputTokens": 0,
            "cacheCreationInputTokens": 0, "webSearchRequests": 0, "costUSD": 0.000598,
            "contextWindow": 200000,
        },
    },
    "permission_denials": [], "terminal_reason": "completed", "fast_mode_state": "off",
    "uuid": "ffff0421-0ea4-4bce-a1c7-016bf394f246", "errors": [],
}  # fmt: skip
"""What ``claude -p --output-format json`` prints at the end of a session."""

INIT = {"type": "system", "subtype": "init", "cwd": "/w", "session_id": SESSION, "tools": ["Bash"],
        "model": "claude-sonnet-5", "permissionMode": "default"}  # fmt: skip


def message(number: int, *, output_tokens: int = 3, model: str = "claude-sonnet-5") -> dict:
    """Return a message of the stream; each of its parts repeats the same figures."""
    usage = {"input_tokens": 4, "cache_creation_input_tokens": 100,
             "cache_read_input_tokens": 1000, "output_tokens": output_tokens,
             "service_tier": "standard"}  # fmt: skip
    content = [{"type": "text", "text": f"part {number}"}]
    return {
        "type": "assistant", "session_id": SESSION, "parent_tool_use_id": None,
        "message": {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": model,
                    "content": content, "stop_reason": None, "usage": usage},
    }  # fmt: skip


THREAD = "0199a213-81c0-7800-8aa1-bbab2a035a53"


def codex_turn(**usage: int) -> list[dict]:
    """Return the events of one turn of ``codex exec --json``."""
    figures = {"input_tokens": 20142, "cached_input_tokens": 12160, "cache_write_input_tokens": 0,
               "output_tokens": 122, "reasoning_output_tokens": 64, **usage}  # fmt: skip
    return [
        {"type": "turn.started"},
        {"type": "item.completed", "item": {"id": "item_0", "type": "reasoning", "text": "**x**"}},
        {"type": "item.completed",
         "item": {"id": "item_1", "type": "agent_message", "text": "Done."}},
        {"type": "turn.completed", "usage": figures},
    ]  # fmt: skip


CODEX_START = {"type": "thread.started", "thread_id": THREAD}


def printing(folder: Path, *objects: object, code: int = 0, then: str = "") -> list[str]:
    """Return a command that prints objects as JSON lines, runs *then* and exits with *code*."""
    lines = "".join(json.dumps(one) + "\n" for one in objects)
    return script(
        folder,
        f"import sys\nsys.stdout.write({lines!r})\nsys.stdout.flush()\n{then}\nsys.exit({code})\n",
    )


def script(folder: Path, text: str) -> list[str]:
    """Return a command that runs a Python text."""
    path = folder / f"program{len(list(folder.glob('program*')))}.py"
    path.write_text(text, encoding="utf-8")
    return [sys.executable, str(path)]


def gone(pid: int) -> bool:
    """Tell whether a process is gone, waiting a little for it."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists():
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "Z":  # ended; whoever adopted it has not looked yet
                return True
        time.sleep(0.05)
    return False


def marking(heard: Path) -> str:
    """Return lines for a program that drains: it makes that file once it has heard a signal."""
    return (
        "import contextlib, os\n"
        "from autopack.cli.forced_exit import LastResort\n"
        "hear = LastResort.hear\n"
        "def marks(self):\n"
        "    hear(self)\n"
        "    with contextlib.suppress(MemoryError):\n"
        f"        os.close(os.open({os.fsencode(heard)!r}, os.O_CREAT))\n"
        "LastResort.hear = marks\n"
    )


def signal_twice(process: "subprocess.Popen[Any]", number: int, heard: Path) -> None:
    """Send a signal, and again once the first one was heard: of two at once it hears one."""
    process.send_signal(number)
    until = time.monotonic() + 60
    while not heard.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(number)


def heeds_ctrl_c() -> None:
    """Let a child be interrupted, also where the tests run in a background that is not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
