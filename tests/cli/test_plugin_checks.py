"""``autopack plugins check``: what was asked of a plugin, what it does not keep, and where."""

import json
import subprocess
import sys

import pytest

from autopack.cli.plugin_checks import say_check
from autopack.testing.plugin_check import Broken, CheckedPart, PluginCheck

CARELESS = '''
"""An importer that believes what it is given, and what no suite fits on."""
import autopack
from autopack import hookimpl

class Notes:
    name = "notes"

    def recognises(self, path):
        return open(path).read(5) == "notes"

    def read(self, path):
        return autopack.types.ImportSource(events=[])

@autopack.event("careless.noted")
class Noted:
    run_id: str

@hookimpl
def autopack_register_events(register):
    register(Noted)

@hookimpl
def autopack_register_importers(register):
    register("notes", Notes())

@hookimpl
def autopack_register_executors(register):
    register("costly", lambda phase, attempt: 1 / 0)

class Needy:
    def __init__(self, *, tokens=None):
        if tokens is None:
            raise autopack.errors.InvalidInputError("How many?", name="tokens", value=tokens)

@hookimpl
def autopack_register_strategies(register):
    register("needy", Needy)

@hookimpl
def autopack_register_prices(register):
    register("none", object())

@hookimpl
def autopack_guard_drain():
    return None
'''


def check(folder, *words):
    """Run the command in a process of its own, as a user would."""
    command = [sys.executable, "-m", "autopack", "--plugins-dir", str(folder), "plugins", "check"]
    return subprocess.run(
        [*command, *words], capture_output=True, text=True, timeout=300, check=False, cwd=folder
    )


@pytest.mark.slow
def test_what_is_broken_is_told_with_its_place(tmp_path):
    """Each part, how many promises it keeps, what differs, and the plugin's own line."""
    file, source = tmp_path / "mine.py", tmp_path / "march.txt"
    file.write_text(CARELESS, encoding="utf-8")
    source.write_text("notes of march", encoding="utf-8")
    done = check(tmp_path, "mine", "--json", "--source", source.name)
    found = json.loads(done.stdout)
    parts = {part["kind"]: part for part in found["parts"]}
    (unknown,) = [b for b in parts["importer"]["broken"] if "its_own_kind" in b["test"]]

    assert 1 == done.returncode, done.stderr
    assert ("mine", []) == (found["plugin"], found["faults"])
    assert ("ImporterContract", 10) == (parts["importer"]["suite"], parts["importer"]["asked"])
    assert "UnicodeDecodeError" in unknown["says"] or "FileNotFoundError" in unknown["says"]
    assert f"{file}:10" == unknown["where"]
    assert ("EventContract", []) == (parts["event"]["suite"], parts["event"]["broken"])
    assert "--live" in parts["executor"]["why"]
    assert parts["strategy"]["why"].startswith("it cannot be made as it is: How many?")
    assert "lacks version, entries" in parts["prices"]["broken"][0]["says"]
    assert "its own tests" in parts["hook"]["why"]
    assert {file, source} == {path for path in tmp_path.iterdir() if path.name != "__pycache__"}


def test_a_plugin_that_is_not_there_is_named(tmp_path):
    """With those that are."""
    done = check(tmp_path, "nowhere")

    assert 2 == done.returncode
    assert "nowhere" in done.stderr
    assert "builtin" in done.stderr


def test_it_is_said_in_one_screen(capsys):
    """What breaks in the same way is told once, long values are cut, and the rest is counted."""
    alike = [
        Broken(promise=f"Promise {n}.", test="t", says="<mine at 0x7f> lacks it", where="mine.py:3")
        for n in range(5)
    ]
    others = [
        Broken(promise="It waits.", test="t", says=f"wrong {n}", shown=("shown: " + "x" * 900,))
        for n in range(9)
    ]
    part = CheckedPart(
        kind="strategy",
        name="mine",
        suite="StrategyContract",
        asked=20,
        broken=(*alike, *others),
    )
    say_check(
        PluginCheck(plugin="mine", distribution="d", version="1", faults=("late",), parts=(part,))
    )
    lines = capsys.readouterr().out.splitlines()

    assert "mine (d 1)" == lines[0]
    assert "  fault: late" == lines[1]
    assert "  strategy mine: 6 of 20 promises kept (StrategyContract)" == lines[2]
    assert "    not kept: Promise 0. So for 4 more." == lines[3]
    assert "      at mine.py:3" in lines
    assert "    and 7 more, which --json shows" in lines
    assert "14 of 20 promises are not kept." == lines[-1]
    assert 24 > len(lines)
    assert all(len(line) < 240 for line in lines)


def test_what_is_kept_is_said_too(capsys):
    """And what was not asked."""
    parts = (
        CheckedPart(kind="strategy", name="mine", suite="StrategyContract", asked=10),
        CheckedPart(kind="executor", name="mine", why="add --live"),
    )
    say_check(PluginCheck(plugin="mine", distribution="d", version="1", faults=(), parts=parts))

    assert (
        "mine (d 1)\n"
        "  strategy mine: 10 of 10 promises kept (StrategyContract)\n"
        "  executor mine: not asked: add --live\n"
        "All 10 promises are kept.\n"
    ) == capsys.readouterr().out
