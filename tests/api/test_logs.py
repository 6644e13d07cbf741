"""Logs by name: made, opened, written out; never one by accident."""

import json
import os
import sys

import pytest
from structlog.testing import capture_logs

import autopack
from autopack import PhaseSpec, hookimpl
from autopack.api.logs import read_tail
from autopack.errors import (
    InvalidInputError,
    LogExistsError,
    LogMissingError,
    NotALogError,
    UnknownNameError,
)
from autopack.plugins.discovery import load_plugins
from autopack.ports.log import ANY, UnrecognisedEvent
from autopack.testing.facts import append_all, created, queued


def sealed(path):
    """Return what a folder holds, to see that nothing was touched."""
    return {entry.name: entry.read_bytes() for entry in path.iterdir() if entry.is_file()}


class TestCreateAndOpen:
    """Opening never creates; creating never opens."""

    @pytest.mark.parametrize("form", ["{}", "sqlite:///{}"])
    def test_a_path_and_its_url_name_the_same_log(self, tmp_path, form):
        """A log made by path is opened by URL, and the other way round."""
        target = form.format(tmp_path / "log.db")
        with autopack.create_log(target) as made:
            made.append("run-r1", [created()], expected_version=0)
            first = made.head()
        with autopack.open_log(tmp_path / "log.db") as log:
            assert first == log.head()

    def test_a_relative_path_is_fixed_when_it_is_named(self, tmp_path, monkeypatch):
        """Changing the folder later does not change the file."""
        monkeypatch.chdir(tmp_path)
        with autopack.create_log("log.db") as log:
            (tmp_path / "elsewhere").mkdir()
            os.chdir(tmp_path / "elsewhere")
            log.append("run-r1", [created()], expected_version=0)

            assert str(tmp_path / "log.db") == log.target

    def test_a_missing_log_is_not_made(self, tmp_path):
        """Logs nearby are named with what they hold."""
        with autopack.create_log(tmp_path / "right.db") as log:
            autopack.create_run(log, "r1", [PhaseSpec("a", category="tests", complexity="low")])
        before = sealed(tmp_path)

        with pytest.raises(LogMissingError, match=r"right\.db \(1 run, 1 phase\)"):
            autopack.open_log(tmp_path / "wrong.db")

        assert before == sealed(tmp_path)

    def test_a_log_that_exists_is_not_overwritten(self, log_path):
        """Creating where something is says so."""
        before = log_path.read_bytes()

        with pytest.raises(LogExistsError):
            autopack.create_log(log_path)

        assert before == log_path.read_bytes()

    def test_another_file_is_named_for_what_it_is(self, tmp_path):
        """It is left as it is."""
        (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")

        with pytest.raises(NotALogError, match="not a SQLite database"):
            autopack.open_log(tmp_path / "notes.txt")

    def test_an_importer_that_fails_hides_nothing(self, tmp_path):
        """It is named in the narration and passed over; the file is still said to be no log."""

        class Importer:
            def __init__(self, answer):
                self.recognises = answer

        class Plugin:
            @hookimpl
            def autopack_register_importers(self, register):
                register("broken", Importer(lambda path: {}[path]))
                register("leaving", Importer(lambda path: sys.exit(3)))
                register("poor", object())
                register("notes", Importer(lambda path: path.endswith(".txt")))

        for name in ("notes.txt", "notes.md"):
            (tmp_path / name).write_text("hello", encoding="utf-8")
        plugins = load_plugins(extra=[Plugin()])
        with capture_logs() as logged:
            with pytest.raises(NotALogError, match="for the importer 'notes'"):
                autopack.open_log(tmp_path / "notes.txt", plugins=plugins)
            with pytest.raises(NotALogError, match="Name a file made by"):
                autopack.open_log(tmp_path / "notes.md", plugins=plugins)

        assert 2 * ["broken", "leaving", "poor"] == [line["importer"] for line in logged]
        assert {"'Plugin' of (given)"} == {line["plugin"] for line in logged}

    def test_a_log_in_memory_can_only_be_made(self):
        """There is none to open."""
        assert 0 == autopack.create_log("memory:").head().position
        with pytest.raises(InvalidInputError, match="memory"):
            autopack.open_log("memory:")

    @pytest.mark.parametrize("target", ["", "  "])
    def test_there_is_no_default_log(self, target):
        """An empty name is no path."""
        with pytest.raises(InvalidInputError, match="AUTOPACK_LOG"):
            autopack.open_log(target)

    def test_an_unknown_scheme_lists_the_known_ones(self):
        """No silent fallback to a file."""
        with pytest.raises(UnknownNameError, match=r"Known: memory, .*sqlite"):
            autopack.open_log("nosuch://host/db")

    def test_what_is_reopened_is_what_was_written(self, log_path):
        """A second open reads the same events and goes on behind them."""
        with autopack.open_log(log_path) as log:
            written = append_all(log, [created(), queued()])
        with autopack.open_log(log_path, durability="relaxed") as log:
            append_all(log, [queued("b")])

            assert written == list(log.read_all(until=2))
            assert 3 == log.head().position


class TestHooksOfALog:
    """Plugins see and change what a log takes in."""

    def test_free_text_passes_the_redaction_hook(self, log_path):
        """What a plugin takes out is never stored."""

        class Redacting:
            @hookimpl
            def autopack_redact(self, text):
                return text.replace("secret", "***")

        registry = load_plugins(extra=[Redacting()])
        with autopack.open_log(log_path, plugins=registry) as log:
            autopack.create_run(log, "r1", [], goal="the secret plan")
            stored = next(log.read_all()).event.goal

        assert "the *** plan" == stored

    def test_observers_get_each_committed_event(self, log_path):
        """After the commit, in order, and none of a refused call."""
        seen = []

        class Watching:
            @hookimpl
            def autopack_event_recorded(self, recorded):
                seen.append((recorded.position, recorded.type))

        with autopack.open_log(log_path, plugins=load_plugins(extra=[Watching()])) as log:
            autopack.create_run(log, "r1", [PhaseSpec("a", category="tests", complexity="low")])
            with pytest.raises(autopack.AutopackError):
                autopack.create_run(log, "r1", [])

        assert [(1, "run.created"), (2, "phase.queued")] == seen


class TestTailAndExport:
    """A log is looked at as it is stored, and written out."""

    def test_the_tail_is_the_last_events(self, log):
        """Or those after a position."""
        append_all(log, [created(), queued("a"), queued("b"), queued("c")])

        assert [3, 4] == [r.position for r in read_tail(log, limit=2)]
        assert [2, 3] == [r.position for r in read_tail(log, after=1, limit=2)]

    def test_damage_can_be_looked_at(self, log):
        """What its type does not allow is shown as it is stored."""
        append_all(log, [created()])
        bad = UnrecognisedEvent("run.paused", 1, '{"run_id":"r1","why":5}')
        log.append("run-r1", [bad], expected_version=ANY)

        assert bad == read_tail(log)[-1].event

    def test_an_export_writes_every_event_to_a_new_file(self, log, tmp_path):
        """One JSON line each; an existing file is left alone."""
        append_all(log, [created(), queued()])
        written = autopack.export_history(log, "jsonl", tmp_path / "out.jsonl")
        lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()

        assert 2 == written == len(lines)
        assert ["run.created", "phase.queued"] == [json.loads(line)["type"] for line in lines]
        with pytest.raises(LogExistsError, match=r"Choose another path\.$"):
            autopack.export_history(log, "jsonl", tmp_path / "out.jsonl")
