"""Guides whose blocks are run as they stand, from top to bottom, in one folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GUIDES = ["draining.md"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the guides are written for a POSIX shell")
@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_works_as_written(name, tmp_path):
    """Files are written, commands and programs run, each with exit 0."""
    tools = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    ran = 0
    for language, file, text in BLOCK.findall((DOCS / name).read_text(encoding="utf-8")):
        if file:
            (tmp_path / file).write_text(text, encoding="utf-8")
            continue
        command = {"bash": ["bash", "-e", "-c", text], "python": [sys.executable, "-c", text]}
        done = subprocess.run(
            command[language], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )

        assert (text, 0, "") == (text, done.returncode, done.stderr if done.returncode else "")
        ran += 1
    assert ran
