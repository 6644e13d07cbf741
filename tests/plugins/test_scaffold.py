"""A package begun with ``autopack plugins new`` installs, passes its tests and is found."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autopack import create_plugin
from autopack.errors import InvalidInputError
from autopack.plugins.scaffold import KINDS, plugin_files

UV = Path(sys.executable).with_name("uv")


def run(*command, folder, site):
    """Run a command that sees what is installed in *site*, and return what it says."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_works_as_it_stands(kind, tmp_path):
    """It installs, its tests pass, ``autopack plugins`` lists it, and its name is accepted."""
    if not UV.exists():
        pytest.skip("needs uv beside this Python, to install the package")
    made, site = create_plugin("night-shift", kind, tmp_path), tmp_path / "site"
    run(UV, "pip", "install", "-q", "--no-deps", "--target", site, made, folder=tmp_path, site=site)

    autopack = (Path(sys.executable).with_name("autopack"),)
    tests = run(sys.executable, "-m", "pytest", "-q", made, folder=tmp_path, site=site)
    listed = json.loads(run(*autopack, "plugins", "--json", folder=tmp_path, site=site))

    assert " passed" in tests
    assert [(f"{kind} night-shift",)] == [
        tuple(info["provides"]) for info in listed if info["distribution"] == "autopack-night-shift"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_its_files_are_whole(kind):
    """Every placeholder is filled, and every Python file compiles."""
    files = plugin_files("night-shift", kind)

    for path, text in files.items():
        assert "$" not in text, path
        if path.endswith(".py"):
            compile(text, path, "exec")


@pytest.mark.parametrize("name", ["", "Night", "night shift", "../night", "class", "night-", "1st"])
def test_a_name_that_cannot_be_used_is_refused(name, tmp_path):
    """Nothing is written for a name that is no word, or leads elsewhere."""
    with pytest.raises(InvalidInputError, match="cannot name a plugin"):
        create_plugin(name, "strategy", tmp_path)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("kind", "name"), [("strategy", "fifo"), ("executor", "recorded")])
def test_a_name_that_is_taken_is_refused(kind, name, tmp_path):
    """It is said before anything is written, not when the package is installed."""
    with pytest.raises(InvalidInputError, match=f"installed {kind} '{name}' already"):
        create_plugin(name, kind, tmp_path)

    assert [] == list(tmp_path.iterdir())


def test_what_is_there_is_left_alone(tmp_path):
    """A second time refuses, and so do an unknown kind and a missing folder."""
    made = create_plugin("mine", "strategy", tmp_path)
    (made / "README.md").write_text("changed")

    for name, kind, folder in (
        ("mine", "strategy", tmp_path),
        ("other", "colour", tmp_path),
        ("other", "strategy", tmp_path / "nowhere"),
    ):
        with pytest.raises(InvalidInputError):
            create_plugin(name, kind, folder)
    assert "changed" == (made / "README.md").read_text()
    assert [made] == list(tmp_path.iterdir())
