"""Clients that are known on a command line: read for their usage, as they are told to print it."""

import pytest

from autopack.draining.executors.known_clients import as_read
from autopack.draining.executors.presets import PRESETS


@pytest.mark.parametrize(
    ("command", "read", "preset"),
    [
        ("claude -p {goal}", "claude -p {goal} --output-format stream-json --verbose", "claude"),
        ("/opt/bin/codex exec -- {goal}", "/opt/bin/codex exec --json -- {goal}", "codex"),
        ("gemini -p {goal}", "gemini -p {goal} --output-format stream-json", "gemini"),
        ("qwen -p {goal}", "qwen -p {goal} --output-format stream-json", "qwen"),
        ("opencode run {goal}", "opencode run {goal} --format json", "opencode"),
        ("claude -p x --output-format json", "claude -p x --output-format json", "claude"),
        ("claude -p x --output-format=json", "claude -p x --output-format=json", "claude"),
        ("codex exec --json x", "codex exec --json x", "codex"),
        ("claude -p x --output-format text", "claude -p x --output-format text", None),
        ("claude -p x --output-format=text", "claude -p x --output-format=text", None),
        ("my-agent {goal}", "my-agent {goal}", None),
        ("llm logs list", "llm logs list", None),
    ],
)
def test_a_client_is_asked_to_print_what_can_be_read(command, read, preset):
    """Unless it is told otherwise, or is not known; then nothing of it is changed."""
    assert (read.split(), preset) == as_read(command.split())


@pytest.mark.parametrize("command", ["llm -m m {prompt}", "llm prompt -m m {prompt}"])
def test_llm_is_asked_through_the_program_that_tells_what_it_logged(command):
    """Its own output has the answer alone."""
    found, preset = as_read(command.split())

    assert "llm" == preset
    assert ["-m", "m", "{prompt}"] == found[-3:]
    assert found[:3] == list(PRESETS["llm"]().command[:3])
