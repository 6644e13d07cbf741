"""What a user's own file raises is one line, with file and line; ``-v`` shows the traceback."""

import pytest

CALIBRATOR = """
class Bad:
    name = "bad"
    def __init__(self, **options): pass
    def initial(self): return 0
    def set_aside(self, state, sample): return None
    def update(self, state, sample): return {}["no such key"]
    def predict(self, state, features, tau): return 1 / 0
    def propose(self, state): return None
"""
PROJECTION = """
import autopack

@autopack.projection(initial=0, name="mine")
def mine(total, recorded):
    return total + recorded.event.no_such_field
"""


@pytest.fixture
def done_log(cli, run_log):
    """Return a log with attempts that ended."""
    cli("--log", run_log, "drain", "--executor", "recorded", "-x", "failure_share=0")
    return run_log


@pytest.mark.parametrize(
    ("words", "line", "said"),
    [
        (("calibrate", "--calibrator", "bad.py:Bad"), 7, "KeyError: 'no such key'"),
        (("backtest", "--calibrator", "bad.py:Bad"), 8, "ZeroDivisionError: division by zero"),
        (("replay", "--projection", "view.py:mine"), 6, "AttributeError"),
    ],
)
def test_a_fault_of_a_users_file_is_one_line(
    cli, done_log, tmp_path, monkeypatch, words, line, said
):
    """It names the file, the line, and what it says."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text(CALIBRATOR, encoding="utf-8")
    (tmp_path / "view.py").write_text(PROJECTION, encoding="utf-8")
    found = cli("-q", "--log", done_log, *words)
    last = found.stderr.splitlines()[-1]

    assert 2 == found.exit_code
    assert "Traceback" not in found.stderr
    assert f".py:{line}: {said}" in last


def test_the_traceback_is_there_for_who_asks(cli, done_log, tmp_path, monkeypatch):
    """With ``-v`` it is not caught."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text(CALIBRATOR, encoding="utf-8")

    with pytest.raises(KeyError):
        cli("-v", "--log", done_log, "calibrate", "--calibrator", "bad.py:Bad")


def test_a_class_of_a_file_is_made_into_a_projection(cli, done_log, tmp_path, monkeypatch):
    """As for a calibrator: who names a class means one of it."""
    monkeypatch.chdir(tmp_path)
    text = PROJECTION.replace("no_such_field", "schema_version if 0 else 0")
    text += "\n\nclass Counted:\n    name, version, types, initial = 'counted', 1, None, 0\n"
    text += "    def project(self, total, recorded):\n        return total + 1\n"
    (tmp_path / "view.py").write_text(text, encoding="utf-8")
    found = cli("-q", "--log", done_log, "replay", "--projection", "view.py:Counted")

    assert 0 == found.exit_code, found.stderr
    assert "counted at position" in found.stdout


@pytest.mark.parametrize("place", [".", "", "memory:"])
def test_no_log_is_made_where_none_can_stay(cli, tmp_path, monkeypatch, place):
    """A folder is no file, and what is in memory ends with the command."""
    monkeypatch.chdir(tmp_path)
    found = cli("log", "create", place)

    assert 2 == found.exit_code
    assert "folder" in found.stderr or "memory" in found.stderr
    assert [] == list(tmp_path.iterdir())


def test_a_log_that_cannot_be_looked_at_is_a_fault(cli, done_log, tmp_path):
    """Verify was asked for damage, and found it: 1, as for any other."""
    cut = tmp_path / "cut.db"
    cut.write_bytes(done_log.read_bytes()[:12_000])
    found = cli("--log", cut, "log", "verify")

    assert 1 == found.exit_code
    assert "restore a backup" in found.stdout
