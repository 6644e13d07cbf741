"""Reading texts beside a log from the command line."""

import json

import pytest


@pytest.fixture
def texts_log(cli, run_log, tmp_path):
    """A log whose phase ``r/p1`` printed something and gave a file."""
    path = tmp_path / "prints.py"
    path.write_text(
        "from autopack import Completed\n\n\n"
        "def execute(phase, attempt):\n"
        "    attempt.attach('stdout', '\\x1b[31mred\\x1b[0m\\nGr\\u00fc\\u00dfe\\n')\n"
        "    return Completed(outputs={'a.py': 'x = 1'})\n",
        encoding="utf-8",
    )
    cli("--log", run_log, "drain", "--executor", f"{path}:execute", "--max-phases", "1")
    return run_log


def test_show_lists_the_texts_and_how_to_read_one(cli, texts_log):
    """Names, attempts and sizes; the way on goes to stderr and can be pasted."""
    shown = cli("--log", texts_log, "phase", "show", "r/p1")
    texts = json.loads(cli("--log", texts_log, "phase", "show", "r/p1", "--json").stdout)["texts"]

    assert [("a.py", 1, 5), ("stdout", 1, 21)] == [
        (text["name"], text["attempt"], text["size_bytes"]) for text in texts
    ]
    assert all(text["digest"][:12] in shown.stdout for text in texts)
    assert f"autopack --log {texts_log} phase text r/p1 NAME" in shown.stderr


def test_a_text_is_printed_as_it_is_stored(cli, texts_log):
    """Escapes stay in it, and a last line without an end gets one."""
    whole = cli("--log", texts_log, "phase", "text", "r/p1", "stdout").stdout
    code = cli("--log", texts_log, "phase", "text", "r/p1", "a.py").stdout

    assert "\x1b[31mred\x1b[0m\nGrüße\n" == whole
    assert "x = 1\n" == code


def test_a_phase_is_named_in_both_forms(cli, texts_log):
    """RUN PHASE NAME is RUN/PHASE NAME; anything else is refused."""
    both = [
        cli("--log", texts_log, "phase", "text", *words, "a.py").stdout
        for words in (("r/p1",), ("r", "p1"))
    ]

    assert ["x = 1\n"] * 2 == both
    for words in (("r",), ("r/p1", "a", "b"), ("r", "p1", "a", "b"), ()):
        assert 2 == cli("--log", texts_log, "phase", "text", *words).exit_code


def test_a_text_is_found_by_digest_alone(cli, texts_log):
    """`log text` asks for no phase, and takes the start of a digest."""
    found = json.loads(cli("--log", texts_log, "phase", "text", "r/p1", "--json").stdout)
    digest = found[0]["digest"]
    said = json.loads(cli("--log", texts_log, "log", "text", digest[:8], "--json").stdout)

    assert {"digest": digest, "text": "x = 1"} == said
    assert "x = 1\n" == cli("--log", texts_log, "log", "text", digest).stdout


def test_a_phase_without_texts_says_so(cli, run_log):
    """An empty list is no error."""
    listed = cli("--log", run_log, "phase", "text", "r/p1")

    assert (0, "") == (listed.exit_code, listed.stdout)
    assert "Phase r/p1 has no texts." in listed.stderr


@pytest.mark.parametrize(
    "arguments", [("phase", "text", "r/p1", "stderr"), ("log", "text", "0" * 64)]
)
def test_a_text_that_is_not_there_is_refused(cli, texts_log, arguments):
    """Exit 2, and what there is."""
    refused = cli("--log", texts_log, *arguments)

    assert (2, "") == (refused.exit_code, refused.stdout)
    assert "no text" in refused.stderr.lower()
