"""``autopack report --notify``, in a process of its own, to real servers on this machine."""

import os
import subprocess
import sys

import pytest

import autopack
from autopack import Completed, PhaseSpec
from autopack.errors import InvalidInputError
from autopack_notify import Mail
from autopack_notify.addresses import sender_of


@pytest.fixture
def path(tmp_path):
    """A log of a run of one phase."""
    path = tmp_path / "work.db"
    with autopack.create_log(path) as log:
        autopack.create_run(log, "nightly", [PhaseSpec("p1")])
        autopack.drain(log, executor=lambda phase, attempt: Completed())
    return path


def reported(path, address, **environ):
    """Run the command line."""
    code = "from autopack.cli.main import main; main()"
    words = ["--log", str(path), "report", "nightly", "--notify", address]
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "AUTOPACK_NOTIFY_RETRIES": "0", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_webhook_is_sent_the_report(path, receiver):
    """Title, text and page; what is printed is as ever."""
    done = reported(path, receiver.url)
    (got,) = receiver.got

    assert 0 == done.returncode
    assert ("report", "nightly: 1 of 1 done") == (got["body"]["event"], got["body"]["title"])
    assert got["body"]["html"].startswith("<!doctype html>")
    assert done.stdout.startswith("nightly: 1 of 1 done")


def test_people_are_sent_it_by_mail(path, mail_server):
    """Through the server that a variable names, or the address itself."""
    server = f"smtp://127.0.0.1:{mail_server.port}"
    done = reported(path, "mailto:ann@example.org", AUTOPACK_NOTIFY_SMTP=server)
    other = reported(path, f"{server}?to=bob@example.org")

    assert [0, 0] == [done.returncode, other.returncode]
    assert 2 == len(mail_server.letters)
    assert "To: ann@example.org" in mail_server.letters[0]
    assert "To: bob@example.org" in mail_server.letters[1]


def test_what_does_not_arrive_is_exit_1(path, absent_url):
    """The report is printed all the same, the warning is on stderr, and the log has nothing."""
    done = reported(path, absent_url.replace("//", "//me:hunter2@"))
    with autopack.open_log(path) as log:
        told = [recorded.row[9] for recorded in log.read_all()]

    assert 1 == done.returncode
    assert done.stdout.startswith("nightly: 1 of 1 done")
    assert "was not told" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout + "".join(told)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("gopher://me:hunter2@host", "No plugin sends reports to addresses of the kind 'gopher'"),
        ("hunter2", "No plugin sends reports"),
        ("https://me:hunter2@", "cannot be used"),
        ("ntfy://me:hunter2@host", "cannot be used"),
        ("smtp://me:hunter2@host", "give smtp[s]://"),
        ("mailto:ann@example.org", "AUTOPACK_NOTIFY_SMTP"),
    ],
)
def test_an_address_that_is_none_is_refused(path, address, said):
    """Exit 2, nothing is printed, and nothing secret said."""
    done = reported(path, address)

    assert (2, "") == (done.returncode, done.stdout)
    assert said in done.stderr
    assert "hunter2" not in done.stderr


def test_a_drain_can_be_told_to_any_of_them(path, mail_server, monkeypatch):
    """The variable takes the same addresses."""
    monkeypatch.setenv(
        "AUTOPACK_NOTIFY_URL", f"smtp://127.0.0.1:{mail_server.port}?to=ann@example.org"
    )
    with autopack.open_log(path) as log:
        autopack.queue_phases(log, "nightly", [PhaseSpec("p2")])
        autopack.drain(log, executor=lambda phase, attempt: Completed())

    assert "Subject: Autopack: a drain stopped" in mail_server.letters[0]


def test_mailto_is_decoded():
    """As links are written."""
    found = sender_of("mailto:a%40b.c,d@e.f", {"AUTOPACK_NOTIFY_SMTP": "smtp://host"})

    assert isinstance(found, Mail)
    assert ("a@b.c", "d@e.f") == found.to
    with pytest.raises(InvalidInputError, match="no mail address"):
        sender_of("mailto:nobody", {"AUTOPACK_NOTIFY_SMTP": "smtp://host"})
