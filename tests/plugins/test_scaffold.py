"""A package begun with ``autopack plugins new`` installs, passes its tests and is found."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from autopack import create_plugin
from autopack.cli.plugins import plugins
from autopack.errors import InvalidInputError
from autopack.plugins.registry import KINDS as REGISTERED
from autopack.plugins.scaffold import KINDS, plugin_files

UV, RUFF, MYPY = (Path(sys.executable).with_name(name) for name in ("uv", "ruff", "mypy"))
PROVIDED = {
    "event": ["event night_shift.noted"],
    "hook": ["hook autopack_drain_stopped", "hook autopack_gate_phase"],
}


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


def installed(made, site):
    """Make a package be found as an installer would: its source, and its entry points."""
    project = tomllib.loads((made / "pyproject.toml").read_text())["project"]
    (name, place), *_none = project["entry-points"]["autopack"].items()
    info = site / f"{made.name.replace('-', '_')}-{project['version']}.dist-info"
    shutil.copytree(made / "src", site)
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    (info / "entry_points.txt").write_text(f"[autopack]\n{name} = {place}\n")


def provided(folder, site):
    """Return what `autopack plugins` says that the package provides, and its faults."""
    autopack = Path(sys.executable).with_name("autopack")
    listed = json.loads(run(autopack, "plugins", "--json", folder=folder, site=site))
    (info,) = [one for one in listed if one["distribution"] == "autopack-night-shift"]
    return info["provides"], info["faults"]


@pytest.mark.slow
def test_a_new_plugin_installs(tmp_path):
    """An installer takes it, and `autopack plugins` lists it."""
    if not UV.exists():
        pytest.skip("needs uv beside this Python, to install the package")
    made, site = create_plugin("night-shift", "strategy", tmp_path), tmp_path / "site"
    run(UV, "pip", "install", "-q", "--no-deps", "--target", site, made, folder=tmp_path, site=site)

    assert (["strategy night-shift"], []) == provided(tmp_path, site)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_works_as_it_stands(kind, tmp_path):
    """Its tests pass, `autopack plugins` lists it without a fault, and its style is ours."""
    made, site = create_plugin("night-shift", kind, tmp_path), tmp_path / "site"
    installed(made, site)
    options = ("-q", "-p", "no:cacheprovider")
    tests = run(sys.executable, "-m", "pytest", *options, made, folder=tmp_path, site=site)

    assert " passed" in tests
    assert (PROVIDED.get(kind, [f"{kind} night-shift"]), []) == provided(tmp_path, site)
    for check in (("check",), ("check", "--select=E,F,I,W,B,UP,PT"), ("format", "--check")):
        run(RUFF, *check, "--no-cache", ".", folder=made, site=site)


@pytest.mark.slow
def test_a_new_plugin_is_typed(tmp_path):
    """What each begins with passes mypy as strictly as its settings say."""
    places = [create_plugin(f"night-{kind}", kind, tmp_path) / "src" for kind in KINDS]
    cache = Path(__file__).parents[2] / ".mypy_cache"
    run(MYPY, "--strict", "--cache-dir", cache, *places, folder=tmp_path, site=tmp_path)


def test_every_kind_can_be_begun():
    """What can be registered, and what is asked or told; the command line knows the same."""
    (option,) = [one for one in plugins.commands["new"].params if one.name == "kind"]

    assert sorted([*REGISTERED, "event", "hook"]) == sorted(KINDS)
    assert [*KINDS] == [*option.type.choices]


@pytest.mark.parametrize("name", ["night-shift", "none", "reader"])
@pytest.mark.parametrize("kind", KINDS)
def test_its_files_are_whole(kind, name):
    """Every placeholder is filled, and every Python file compiles, whatever its name means."""
    files = plugin_files(name, kind)

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
