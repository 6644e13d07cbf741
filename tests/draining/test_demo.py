"""``autopack demo``: the main job from nothing to a report."""

import shlex
import subprocess
import sys

import pytest

from autopack import open_log

MAIN = "import sys; from autopack.cli.main import main; main()"


def run(folder, *words):
    """Run a command in a folder."""
    return subprocess.run(
        [sys.executable, "-c", MAIN, *words],
        cwd=folder, capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip


@pytest.mark.slow
def test_the_demo_shows_the_whole_job_and_overwrites_nothing(tmp_path):
    """Four steps and what to type next, on two screens; a second call takes its own folder."""
    first = run(tmp_path, "demo")
    before = (tmp_path / "autopack-demo" / "autopack.db").read_bytes()
    second = run(tmp_path, "demo")
    lines = first.stdout.splitlines()

    assert (0, 0) == (first.returncode, second.returncode)
    assert [f"{n}." for n in range(1, 5)] == [line[:2] for line in lines if line[1:2] == "."]
    for told in ("25 phases", "completed without any call", "failed", "position", "log verify"):
        assert told in first.stdout
    assert len(lines) <= 55
    assert before == (tmp_path / "autopack-demo" / "autopack.db").read_bytes()
    with open_log(tmp_path / "autopack-demo-2" / "autopack.db") as log:
        assert log.verify().is_clean


@pytest.mark.slow
def test_every_command_that_it_names_works_and_shows_something(tmp_path):
    """Pasted one after the other, each ends well; the dry run has work, before and after."""
    told = run(tmp_path, "demo").stdout
    commands = [line for line in told.splitlines() if line.startswith("autopack ")]
    done = {line: run(tmp_path, *shlex.split(line)[1:]) for line in commands}
    (dry,) = (line for line in commands if line.endswith("--dry-run"))
    again = run(tmp_path, *shlex.split(dry)[1:])

    assert 5 == len(commands)
    assert {0} == {one.returncode for one in done.values()}
    assert all(one.stdout.strip() for one in done.values())
    assert "next/implementation-low-1" in done[dry].stdout
    assert done[dry].stdout != again.stdout


@pytest.mark.slow
def test_a_program_that_is_not_found_by_name_is_named_by_path(tmp_path, monkeypatch):
    """What is shown can be typed where nothing was activated."""
    program = tmp_path / "bin" / "autopack"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{MAIN}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    told = subprocess.run(
        ["bin/autopack", "demo"],
        cwd=tmp_path, capture_output=True, text=True, check=True, encoding="utf-8",
    ).stdout  # fmt: skip

    assert "\nbin/autopack --log autopack-demo/autopack.db status\n" in told
