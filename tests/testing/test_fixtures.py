"""The kit's fixtures, taken by a project of its own."""

import subprocess
import sys
import textwrap

import pytest

import autopack

TESTS = """
    import autopack
    from autopack.testing.facts import paused


    def test_a_file(sqlite_log, log_path, virtual_clock):
        sqlite_log.append("s", [paused()], expected_version=0)
        virtual_clock.advance(60)
        sqlite_log.append("s", [paused()], expected_version=1)
        first, second = sqlite_log.read_all()
        assert 60 == (second.recorded_at - first.recorded_at).total_seconds()
        assert str(log_path) == sqlite_log.target


    def test_memory(memory_log):
        assert 0 == memory_log.head().position


    def test_each(any_log):
        autopack.create_run(any_log, "r", [])
        assert ["r"] == list(autopack.replay(any_log, "runs").rows)
"""


def in_a_project(folder, **files):
    """Run pytest in a folder with these files, as a plugin author does."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


@pytest.mark.slow
def test_a_project_gets_the_logs_that_it_asks_for(tmp_path):
    """One line in its conftest.py is all."""
    conftest = 'pytest_plugins = ["autopack.testing.fixtures"]'
    told = in_a_project(tmp_path, conftest=conftest, test_mine=TESTS)

    assert "4 passed" in told


@pytest.mark.slow
def test_nobody_gets_them_unasked(tmp_path):
    """An installed kit adds no fixture to a project that did not ask."""
    told = in_a_project(tmp_path, test_mine=TESTS)

    assert "fixture 'memory_log' not found" in told


@pytest.mark.slow
def test_the_library_loads_neither_pytest_nor_hypothesis():
    """Only the kit's own modules do, those that need them."""
    script = (
        "import sys, importlib, pathlib, autopack\n"
        "root = pathlib.Path(autopack.__file__).parent\n"
        "for path in root.rglob('*.py'):\n"
        "    parts = path.relative_to(root).with_suffix('').parts\n"
        "    if parts[0] != 'testing' and parts[-1] not in ('__init__', '__main__'):\n"
        "        importlib.import_module('.'.join(('autopack', *parts)))\n"
        "import autopack.testing, autopack.testing.facts\n"
        "print([name for name in ('pytest', 'hypothesis') if name in sys.modules])\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout

    assert "[]" == told.strip()


def test_every_log_is_open_and_empty(any_log, memory_log, sqlite_log):
    """Whoever takes one begins at position 0."""
    assert [0, 0, 0] == [log.head().position for log in (any_log, memory_log, sqlite_log)]
    assert isinstance(any_log, autopack.Log)
