"""``autopack serve`` as a process: what it tells, whom it answers, how it ends."""

import http.client
import signal
import subprocess
import sys
from urllib.parse import urlencode, urlsplit

import pytest

import autopack


@pytest.fixture
def path(tmp_path):
    """A log with a run."""
    with autopack.create_log(tmp_path / "work.db") as log:
        autopack.create_run(log, "r", [autopack.PhaseSpec("one")])
    return str(tmp_path / "work.db")


def command(path, *options):
    return [sys.executable, "-m", "autopack", "--log", path, "serve", "--port", "0", *options]


@pytest.mark.slow
def test_it_tells_the_token_once_and_takes_it(path):
    """Behind the address; with it a run is paused, and Ctrl-C ends all."""
    server = subprocess.Popen(
        command(path, "--allow-writes"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    address = urlsplit(server.stdout.readline().strip())
    token = address.fragment.removeprefix("token=")
    client = http.client.HTTPConnection(address.netloc, timeout=30)
    answers = []
    for given in ("another", token):
        headers = {
            "origin": f"http://{address.netloc}",
            "content-type": "application/x-www-form-urlencoded",
        }
        form = urlencode({"run": "r", "why": "lunch", "actor": "ann", "token": given})
        client.request("POST", "/act/pause-run", form, headers)
        answer = client.getresponse()
        answers.append(answer.status)
        assert token not in answer.read().decode()
    client.close()
    server.send_signal(signal.SIGINT)
    out, told = server.communicate(timeout=30)
    with autopack.open_log(path) as log:
        last = list(log.read("run-r"))[-1]

    assert ([403, 303], "", 0) == (answers, out, server.returncode)
    assert "it is told this once" in told
    assert token not in told
    assert len(token) > 30
    assert ("run.paused", "ann") == (last.type, last.event.actor)


@pytest.mark.slow
def test_it_does_not_serve_others_unasked(path):
    """Nothing listens; the refusal says what to do."""
    done = subprocess.run(
        command(path, "--host", "0.0.0.0"), capture_output=True, text=True, timeout=60, check=False
    )

    assert (2, "") == (done.returncode, done.stdout)
    assert "--allow-host NAME" in done.stderr
