"""``autopack import auto``: what is found is said, asked about, and then read."""

import json

import pytest

_IMPORTER = """\
from autopack import hookimpl
from autopack.events import LlmUsageRecorded
from autopack.events.usage import usage_id
from autopack.ports.importing import ImportSource
from autopack.ports.log import NewEvent
from autopack.errors import ImportRefusedError


class Notes:
    name = "notes"

    def places(self, home, environ):
        return [home / ".notes", home / ".torn"]

    def recognises(self, path):
        return path.endswith((".notes", ".torn"))

    def read(self, path):
        if path.endswith(".torn"):
            raise ImportRefusedError(path, "it is torn")
        event = LlmUsageRecorded(call_id="c", provider="x", input_tokens=1, output_tokens=2)
        return ImportSource(
            events=[("import-notes", NewEvent(event=event, event_id=usage_id("x", "c")))],
            known_by_id=True,
        )


@hookimpl
def autopack_register_importers(register):
    register("notes", Notes())
"""


@pytest.fixture
def typed(cli, log_path, tmp_path):
    """Types ``import auto`` for a home with two histories, one of which cannot be read."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "notes.py").write_text(_IMPORTER, encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    (home / ".notes").write_bytes(b"12")
    (home / ".torn").write_bytes(b"12")
    start = ["--log", log_path, "--plugins-dir", tmp_path / "plugins", "import", "auto"]
    return lambda *more, **settings: cli(*start, *more, **settings), home


def test_nobody_to_ask_is_refused(typed, events_of, log_path):
    """What would be read is said, and how it is done without being asked; nothing is read."""
    call, home = typed
    told = call(home)

    assert 2 == told.exit_code
    assert f"notes: {home / '.notes'} (1 file, 1 KiB)" in told.output
    assert "give --yes" in told.output
    assert 0 == events_of(log_path)


def test_what_is_found_is_read(typed, events_of, log_path):
    """One that is refused is named, and stops no other; a second time adds nothing."""
    call, home = typed
    first, second = call(home, "--yes"), call(home, "--yes", "--json")

    assert (0, 0) == (first.exit_code, second.exit_code)
    assert "1 events read from" in first.output
    assert "it is torn" in first.output
    assert [("notes", 1, 0, 1)] == [
        (one["importer"], one["read"], one["added"], one["repeated"])
        for one in json.loads(second.stdout)
    ]
    assert 1 == events_of(log_path)


def test_nothing_found_is_said(cli, log_path, tmp_path):
    """A folder that no importer knows has nothing to import."""
    (tmp_path / "empty").mkdir()
    told = cli("--log", log_path, "import", "auto", tmp_path / "empty", "--yes")

    assert 0 == told.exit_code
    assert "No history of a tool that an importer knows was found" in told.output


def test_a_rule_of_another_form_is_refused(typed, events_of, log_path):
    """The form of a rule for categories is said, and nothing is read."""
    call, home = typed
    told = call(home, "--yes", "--category", "tests")

    assert 2 == told.exit_code
    assert "WORD=FIELD:PATTERN" in told.output
    assert 0 == events_of(log_path)
