"""The example service, started as a user would, over loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")


def call(port, path, payload=None):
    """Ask the service; return the status and the JSON it answers with."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=None if payload is None else json.dumps(payload).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as fault:
        return fault.code, json.load(fault)


@pytest.fixture
def service(tmp_path):
    """Start the service on a free port and end it afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "service:app", "--port", str(port)]
    process = subprocess.Popen(
        command,
        cwd=EXAMPLES,
        env={**os.environ, "SERVICE_LOG": str(tmp_path / "service.db")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        try:
            call(port, "/status")
            break
        except OSError:
            time.sleep(0.05)
    yield port
    process.terminate()
    assert process.wait(timeout=240) in (0, -signal.SIGTERM)


@pytest.mark.slow
def test_a_queued_phase_is_drained_and_its_events_are_sent(service):
    """What is posted is done in the background, and every event of it reaches a follower."""
    phase = {"id": "p1", "category": "docs", "complexity": "low"}
    created = call(service, "/runs/web", [phase])
    again = call(service, "/runs/web", [phase])
    wrong = call(service, "/runs/other", [{"id": "p1", "colour": "red"}])

    types = []
    url = f"http://127.0.0.1:{service}/events?after=0"
    with urllib.request.urlopen(url, timeout=240) as stream:
        for line in stream:
            if line.startswith(b"event: "):
                types.append(line[7:].decode().strip())
            if types[-1:] == ["run.finished"]:
                break
    _code, status = call(service, "/status")

    assert (201, 409, 422) == (created[0], again[0], wrong[0])
    assert "already" in again[1]["error"]
    assert "the request: " in wrong[1]["detail"]
    assert "phase 1 ('p1') has no field 'colour'" in wrong[1]["detail"]
    assert types.index("run.created") < types.index("phase.completed") < len(types)
    assert {"COMPLETE": 1} == status["phases_by_state"]
