"""
``python -m tests.clients.real --server FILE --clients FOLDER``: real clients, drained.

Claude Code and Codex, as ``install.sh`` installs them, work a queue off on a model server of this
machine. In its midst their plan is used up for a while. All phases complete all the same, and the
log has the tokens that the server counted.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs

import autopack
from autopack import CommandExecutor, PhaseSpec
from autopack.events import LlmUsageRecorded, PhaseFailed

SCENARIO = "tool"
"""A turn with the use of a tool: two requests a phase."""

CODEX_CONFIG = """\
model = "fake-1"
model_provider = "loop"

[model_providers.loop]
name = "loop"
base_url = "http://127.0.0.1:1/v1"
wire_api = "responses"
env_key = "LOOP_KEY"
"""


@attrs.define
class Window:
    """A plan's window: used up once so many requests were answered, open again some time after."""

    after: int
    lasts_s: float
    answered: int = 0
    refused: int = 0
    resets_at: float | None = None
    lock: Any = attrs.field(factory=threading.Lock)

    def is_closed(self) -> bool:
        """Tell whether the next request is refused; counts it."""
        with self.lock:
            if self.resets_at is None and self.answered >= self.after:
                self.resets_at = time.time() + self.lasts_s
            closed = self.resets_at is not None and time.time() < self.resets_at
            self.refused += closed
            self.answered += not closed
            return closed


@contextmanager
def serving(server: Path, truth: Path, window: Window) -> Iterator[int]:
    """Serve the model server of a file, with a window in front of it; yield its port."""
    spec = importlib.util.spec_from_file_location("model_server", server)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.TRUTH = str(truth)

    class Handler(module.H):
        def model(self, scenario: str, label: str, body: Any, api: str) -> None:
            if window.is_closed():
                self.send_json(429, *refusal(api, round(window.resets_at or 0)))
            else:
                super().model(scenario, label, body, api)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield http.server_address[1]
    finally:
        http.shutdown()
        http.server_close()


def refusal(api: str, resets_at: int) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return what a vendor answers, and its headers, while a plan's window is used up."""
    left_s = max(1, resets_at - round(time.time()))
    if api != "anthropic":
        error: dict[str, Any] = {
            "type": "usage_limit_reached", "message": "You've hit your usage limit.",
            "plan_type": "plus", "resets_in_seconds": left_s, "resets_at": resets_at,
        }  # fmt: skip
        return {"error": error}, [("retry-after", str(left_s)), ("x-should-retry", "false")]
    said = "This request would exceed your account's rate limit. Please try again later."
    unified = "anthropic-ratelimit-unified"
    headers = {
        "retry-after": str(left_s), f"{unified}-status": "rejected",
        f"{unified}-reset": str(resets_at), f"{unified}-representative-claim": "five_hour",
        f"{unified}-5h-status": "rejected", f"{unified}-5h-reset": str(resets_at),
        f"{unified}-5h-utilization": "1.0", f"{unified}-overage-status": "rejected",
    }  # fmt: skip
    error = {"type": "error", "error": {"type": "rate_limit_error", "message": said}}
    return error, list(headers.items())


def executor_of(client: str, program: Path, port: int, home: Path) -> CommandExecutor:
    """Return what runs a client for a phase; each attempt has a label at the server."""
    url = f"http://127.0.0.1:{port}/s/{SCENARIO}/{client}-{{phase_id}}-{{attempt}}"
    work = home / "work"
    work.mkdir(parents=True)
    if client == "claude":
        command = [str(program), "-p", "--output-format", "stream-json", "--verbose",
                   "--allowedTools", "Bash"]  # fmt: skip
        env = {
            "ANTHROPIC_BASE_URL": url, "CLAUDE_CODE_OAUTH_TOKEN": "none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "0",  # it would wait out a limit of seconds by itself
        }  # fmt: skip
    else:
        config = home / ".codex" / "config.toml"
        config.parent.mkdir()
        config.write_text(CODEX_CONFIG, encoding="utf-8")
        command = [str(program), "exec", "--json", "--skip-git-repo-check",
                   "-s", "workspace-write", "-c", f'model_providers.loop.base_url="{url}/v1"',
                   "-"]  # fmt: skip
        env = {"LOOP_KEY": "none", "CODEX_HOME": str(config.parent)}
    return CommandExecutor(
        command, preset=client, stdin="{prompt}", cwd=work, env={**env, "HOME": str(home)}
    )


def tried(client: str, program: Path, server: Path, folder: Path, given: Any) -> dict[str, Any]:
    """Drain phases through one client; return its figures, by the log and by the server."""
    truth = folder / "truth.jsonl"
    truth.touch()
    window = Window(after=given.phases, lasts_s=given.limit_s)  # two requests a phase: in the midst
    phases = [
        PhaseSpec(f"p{n:02}", category="docs", complexity="low", goal="Write a small file.")
        for n in range(given.phases)
    ]
    began = time.monotonic()
    with serving(server, truth, window) as port, autopack.create_log(folder / "log.db") as log:
        autopack.create_run(log, "r", phases)
        executor = executor_of(client, program, port, folder / "home")
        report = autopack.drain(
            log, executor=executor, workers=given.workers, timeout_s=300, max_minutes=15
        )
        calls = [recorded.event for recorded in log.read_all(types=[LlmUsageRecorded])]
        failed = [recorded.event for recorded in log.read_all(types=[PhaseFailed])]
    rows = [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()]
    counted = [row for row in rows if row["kind"] == "answered"]
    sent = ("input_uncached", "cache_read", "cache_write")
    return {
        "phases": report.completed,
        "failed_for_good": report.left_failed,
        "attempts": report.attempts,
        "seconds": round(time.monotonic() - began, 1),
        "requests_refused": window.refused,
        "failures": sorted({f"{one.failure_class} ({one.class_basis})" for one in failed}),
        "waits_s": [one.retry_after_s and round(one.retry_after_s, 1) for one in failed],
        "tokens_in_log": [
            sum(call.input_tokens or 0 for call in calls),
            sum(call.output_tokens or 0 for call in calls),
        ],
        "tokens_at_server": [
            sum(row[name] for row in counted for name in sent),
            sum(row["output"] for row in counted),
        ],
        "unreadable": report.unreadable,
    }


def faults_of(told: dict[str, Any], phases: int) -> list[str]:
    """Return what is not as it should be."""
    wrong = []
    if told["phases"] != phases:
        wrong.append(f"{told['phases']} of {phases} phases completed")
    if told["tokens_in_log"] != told["tokens_at_server"]:
        wrong.append(f"the log has {told['tokens_in_log']} tokens, not {told['tokens_at_server']}")
    if not told["requests_refused"]:
        wrong.append("the limit was never met")
    return wrong


def main(words: list[str] | None = None) -> int:
    """Try each client; return 1 if something is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients.real", description=__doc__)
    parser.add_argument("--server", type=Path, required=True, help="The model server's file.")
    parser.add_argument("--clients", type=Path, required=True, help="What install.sh made.")
    parser.add_argument("--only", choices=["claude", "codex"], action="append")
    parser.add_argument("--phases", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit-s", type=float, default=20.0, help="How long the plan rests.")
    given = parser.parse_args(words)
    n_wrong = 0
    for client in given.only or ["claude", "codex"]:
        program = given.clients.absolute() / "node_modules" / ".bin" / client
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        with tempfile.TemporaryDirectory() as folder:
            told = tried(client, program, given.server, Path(folder), given)
        wrong = faults_of(told, given.phases)
        n_wrong += len(wrong)
        shown = json.dumps({**told, "wrong": wrong}, indent=1)
        sys.stdout.write(f"{version.stdout.strip()}: {shown}\n")
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
