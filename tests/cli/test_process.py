"""The command as a process: speed, streams, signals and consoles."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import autopack as autopack_library
from autopack.cli.demo import program_name

_MAIN = "import sys; from autopack.cli.main import main; main()"


def autopack(*arguments: object, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", _MAIN, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **settings,
    )


def test_the_version_loads_no_heavy_module():
    """`autopack --version` and --help import click, and nothing of the library but the CLI."""
    script = (
        "import sys\n"
        "from autopack.cli.main import autopack\n"
        "for given in (['--version'], ['--help']):\n"
        "    autopack(given, standalone_mode=False)\n"
        "heavy = ('structlog', 'sqlite_utils', 'rich', 'msgspec', 'pluggy', 'sqlite3', 'yaml',\n"
        "         'autopack.api', 'autopack.errors')\n"
        "sys.exit(', '.join(name for name in heavy if name in sys.modules))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert "" == found.stderr.strip()
    assert found.stdout.startswith("autopack ")


@pytest.mark.parametrize("words", [("log", "info"), ("run", "list"), ("status",)], ids=" ".join)
def test_reading_commands_load_no_command_of_the_log(log_path, words):
    """What only writers, checks or imports need is loaded by none of the everyday looks."""
    with autopack_library.open_log(log_path) as log:
        autopack_library.create_run(log, "r", [autopack_library.PhaseSpec("p")])
    script = (
        "import sys\n"
        "from autopack.cli.main import autopack\n"
        f"autopack(['--log', {str(log_path)!r}, *{words!r}], standalone_mode=False)\n"
        "heavy = ('structlog', 'logging', 'pickle', 'secrets', 'autopack.aggregates.requests',\n"
        "         'autopack.aggregates.phase.decisions', 'autopack.ports.prediction',\n"
        "         'autopack.ports.importing', 'autopack.log.verification',\n"
        "         'autopack.log.command_handler')\n"
        "print('heavy:', [name for name in heavy if name in sys.modules])\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False,
        env={**os.environ, "AUTOPACK_DISABLE_PLUGINS": "1"},
    )  # fmt: skip

    assert "heavy: []" == found.stdout.splitlines()[-1]


def test_an_error_is_one_message_without_a_traceback(tmp_path):
    """A refused command prints nothing on stdout and exits with 2."""
    found = autopack("--log", tmp_path / "none.db", "status")

    assert (2, "") == (found.returncode, found.stdout)
    assert "Traceback" not in found.stderr


def test_the_package_is_a_program(monkeypatch):
    """`python -m autopack` is the command line, and its demo names it so."""
    done = subprocess.run(
        [sys.executable, "-m", "autopack", "--version"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    monkeypatch.setattr(
        sys, "argv", [str(Path(autopack_library.__file__).with_name("__main__.py"))]
    )

    assert (0, "autopack ") == (done.returncode, done.stdout[:9])
    assert "python -m autopack" == program_name()


def test_output_survives_a_narrow_console(cli, log_path, tmp_path):
    """A goal that the console cannot show is shown with marks in its place."""
    file = tmp_path / "goal.json"
    phase = '{"id": "p", "category": "docs", "complexity": "low"}'
    goal = r'"\u6e2c\u5b9a \u2192 ok"'
    file.write_text(f'{{"goal": {goal}, "phases": [{phase}]}}', encoding="utf-8")
    cli("--log", log_path, "run", "create", "r", "--phases", file)
    narrow = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    found = autopack("--log", log_path, "run", "show", "r", env=narrow)

    assert 0 == found.returncode
    assert "? ok" in found.stdout


def test_a_closed_pipe_is_quiet(run_log):
    """A reader that goes away is no error."""
    with subprocess.Popen(
        [sys.executable, "-c", _MAIN, "--log", str(run_log), "log", "tail"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()

    assert 0 == process.returncode
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_drain_cleanly(cli, run_log, tmp_path, number):
    """The first signal stops the drain: exit 130, the phase in work ends, nothing is lost."""
    executor = tmp_path / "slow.py"
    executor.write_text(
        "import pathlib, time\n"
        "from autopack.ports.work import Completed\n\n\n"
        "def execute(phase, attempt):\n"
        f"    pathlib.Path({str(tmp_path / 'began')!r}).touch()\n"
        "    time.sleep(1)\n"
        "    return Completed()\n",
        encoding="utf-8",
    )
    began = Path(tmp_path, "began")
    with subprocess.Popen(
        [sys.executable, "-c", _MAIN, "--log", str(run_log), "drain",
         "--executor", f"{executor}:execute"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        until = time.monotonic() + 90
        while not began.exists() and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(number)
        _, said = process.communicate(timeout=90)

    assert 130 == process.returncode
    assert "Stopping" in said
    assert "Traceback" not in said
    assert 0 == cli("--log", run_log, "log", "verify").exit_code


def test_logging_goes_to_stderr_only(run_log, run_file, tmp_path):
    """An observer that fails is logged on stderr; stdout holds the result alone."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "watcher.py").write_text(
        "from autopack.plugins.hookspecs import hookimpl\n\n\n"
        "@hookimpl\n"
        "def autopack_event_recorded(recorded):\n"
        "    raise RuntimeError('cannot watch')\n",
        encoding="utf-8",
    )
    found = autopack(
        "--plugins-dir", folder, "--log", run_log, "run", "create", "s", "--phases", run_file
    )

    assert (0, "Created run s with 2 phases\n") == (found.returncode, found.stdout)
    assert "observer failed" in found.stderr
