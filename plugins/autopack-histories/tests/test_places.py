"""Where the tools keep their histories: in the home folder, or where their variables say."""

import json
import time
import tracemalloc

import pytest
from histories_kit import bring, importer, write_lines
from test_claude_code import TWO_TURNS
from test_codex import SUMS
from test_databases import STEPS, answer, llm, opencode
from test_gateways import AIDER, evaluation
from test_gemini import CHAT as GEMINI
from test_qwen import CHAT as QWEN

from autopack import create_log, find_histories, import_history, load_plugins, status
from autopack_histories import plugin


@pytest.fixture
def home(tmp_path):
    """A home folder in which six tools have written."""
    write_lines(tmp_path / ".claude/projects/-p/s.jsonl", TWO_TURNS)
    write_lines(tmp_path / ".codex/sessions/2026/03/02/rollout-t-1.jsonl", SUMS)
    write_lines(tmp_path / ".gemini/tmp/p/chats/session-1.jsonl", GEMINI)
    write_lines(tmp_path / ".qwen/projects/-p/chats/s-1.jsonl", QWEN)
    for folder in (".local/share/opencode", ".config/io.datasette.llm"):
        (tmp_path / folder).mkdir(parents=True)
    opencode(tmp_path / ".local/share/opencode/opencode.db", STEPS)
    llm(tmp_path / ".config/io.datasette.llm/logs.db", "turns", [answer("r-1", 20)])
    return tmp_path


@pytest.fixture
def plugins():
    return load_plugins(extra=[plugin])


def test_everything_in_a_home_is_found(home, plugins):
    """Each tool's own place, by its own importer; all of it can be imported, and again."""
    with create_log("memory:", plugins=plugins) as log:
        found = find_histories(log, home=home)
        added = [import_history(log, one.importer, one.path).added for one in found]
        again = [import_history(log, one.importer, one.path).added for one in found]

        assert ["claude-code", "codex", "gemini-cli", "llm", "opencode", "qwen-code"] == sorted(
            one.importer for one in found
        )
        assert all(added)
        assert not any(again)
        assert 13 == status(log).calls


@pytest.mark.parametrize(
    ("name", "variable", "place", "write"),
    [
        (
            "claude-code",
            "CLAUDE_CONFIG_DIR",
            "projects/s.jsonl",
            lambda p: write_lines(p, TWO_TURNS),
        ),
        ("codex", "CODEX_HOME", "archived_sessions/r.jsonl", lambda p: write_lines(p, SUMS)),
        (
            "gemini-cli",
            "GEMINI_CLI_HOME",
            ".gemini/tmp/session-1.jsonl",
            lambda p: write_lines(p, GEMINI),
        ),
        ("opencode", "XDG_DATA_HOME", "opencode/opencode.db", lambda p: opencode(p, STEPS)),
        ("llm", "LLM_USER_PATH", "logs.db", lambda p: llm(p, "responses", [answer("r", 2)])),
        ("inspect-ai", "INSPECT_LOG_DIR", "log.eval", evaluation),
    ],
)
def test_variables_of_the_tools_are_heeded(tmp_path, name, variable, place, write):
    """Who has told a tool to keep its own elsewhere has told us, too."""
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path)
    made = importer(name)
    places = made.places(tmp_path / "home", {variable: str(tmp_path)})

    assert [True] == [made.recognises(str(one)) for one in places if one.exists()]


def test_aider_is_told_by_its_file(tmp_path):
    """Its analytics have no place of their own but what a variable names."""
    path = write_lines(tmp_path / "a.jsonl", AIDER)

    assert [path] == importer("aider").places(tmp_path, {"AIDER_ANALYTICS_LOG": str(path)})


def test_no_importer_takes_anothers_history(home, plugins):
    """Each file is known by one importer, so that nothing is counted by two."""
    names = [name for name in plugin.IMPORTERS if name != "litellm"]
    files = [path for path in home.rglob("*") if path.is_file()]
    knowing = {
        str(path.relative_to(home)): [n for n in names if importer(n).recognises(str(path))]
        for path in files
    }

    assert all(len(known) == 1 for known in knowing.values()), knowing


def test_many_files_take_memory_for_names_alone(tmp_path):
    """What is held does not grow with what the files hold."""
    measured = []
    for n_files in (10, 100):
        folder = tmp_path / str(n_files)
        for number in range(n_files):
            lines = [
                {**one, "sessionId": f"s{number}", "uuid": f"{n}-{number}"}
                for n, one in enumerate(TWO_TURNS)
            ]
            for one in lines:
                if isinstance(one.get("message"), dict) and "id" in one["message"]:
                    one["message"] = {**one["message"], "id": f"{one['message']['id']}-{number}"}
            write_lines(folder / f"s{number}.jsonl", lines)
        source = importer("claude-code").read(str(folder))
        tracemalloc.start()
        n_events = sum(1 for _event in source.events)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        measured.append((n_events, peak))

    (few, small), (many, large) = measured
    assert many == 10 * few
    assert large < 2 * small + 2**20


@pytest.mark.slow
def test_very_many_files_are_as_quick_each_as_some(tmp_path):
    """Neither the time for a file nor the memory for it grows with their number."""
    cost = []
    for n_files in (500, 5_000):
        folder = tmp_path / str(n_files)
        for number in range(n_files):
            place = folder / str(number // 100)
            place.mkdir(parents=True, exist_ok=True)
            told = json.dumps({**TWO_TURNS[1], "sessionId": f"s{number}", "uuid": f"u{number}"})
            (place / f"s{number}.jsonl").write_text(f"{told}\n", encoding="utf-8")
        with create_log(tmp_path / f"{n_files}.db") as log:
            tracemalloc.start()
            began = time.process_time()
            report = bring(log, "claude-code", folder)
            cost.append((time.process_time() - began) / n_files)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            again = bring(log, "claude-code", folder)

        assert n_files == report.findings["files"]
        assert n_files == report.added_by_type["run.created"]
        assert 0 == again.added

    assert cost[1] < 3 * cost[0]
    assert peak < 5_000 * 8_192


def test_a_tree_of_many_folders_is_walked(tmp_path):
    """Folders within folders, with a file in each."""
    folder = tmp_path
    for number in range(60):
        folder = folder / f"f{number}"
        write_lines(
            folder / f"s{number}.jsonl", [{**one, "sessionId": f"s{number}"} for one in TWO_TURNS]
        )
    with create_log("memory:") as log:
        report = bring(log, "claude-code", tmp_path)

        assert 60 == report.findings["files"]
        assert 3 == status(log).calls  # the same messages in each
