"""Programs run by a user who may only read, whoever runs the tests."""

import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

_NOBODY = 65534
_LOAD = """
import encodings.ascii, os, sys
from pathlib import Path
import autopack.log.backends.sqlite.store, autopack.log.verification
from autopack import create_log, diagnose, open_log, replay, status
from autopack.errors import *
from autopack.plugins.discovery import load_plugins
from autopack.ports.log import ANY
from autopack.testing.facts import paused
registry = load_plugins()
replay(create_log("memory:"), "runs")  # what is loaded late may lie where nobody else reads
path = Path(sys.argv[1])
"""
_BECOME = f"""
if os.geteuid() == 0:  # root may do everything, whatever the modes say
    os.setgroups([])
    os.setgid({_NOBODY})
    os.setuid({_NOBODY})
"""


def readable_folder():
    """Return a new folder that everybody may enter and read, and only we may write."""
    folder = tempfile.TemporaryDirectory(prefix="autopack-", dir="/tmp")
    os.chmod(folder.name, 0o755)
    return folder


def start(code, path, *, load=""):
    """
    Start *code*, which finds the path of a log in ``path``, as somebody who may only read.

    Args:
        load: Run before, as who we are: what lies where others may not read.
    """
    text = _LOAD + textwrap.dedent(load) + _BECOME + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", text, str(path)],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code, path, *, load=""):
    """Do as :func:`start` does, to the end, and return the lines that were printed."""
    out, err = start(code, path, load=load).communicate(timeout=120)
    assert not err, err
    return out.splitlines()


def readable(path: Path):
    """Let everybody read a log, and nobody write it."""
    path.chmod(0o444 if os.geteuid() else 0o644)
