"""Histories that real tools left: their calls add up to what the server counted, to the token."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections import Counter

import pytest

from autopack import create_log, import_history, status, usage

pytestmark = pytest.mark.real

_FIELDS = {
    "input_with_cache": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "output": "output_tokens",
    "reasoning": "reasoning_tokens",
}
_BUT_WRITES = ("input_with_cache", "cache_read", "output", "reasoning")
_TOLD = {  # which of them the tool writes down
    "claude-code": ("input_with_cache", "cache_read", "cache_write", "output"),
    "codex": _BUT_WRITES,
    "gemini-cli": _BUT_WRITES,
    "inspect_ai": _BUT_WRITES,
    "llm": _BUT_WRITES,
    "mini-swe-agent": _BUT_WRITES,
    "opencode": _BUT_WRITES,
    "qwen-code": _BUT_WRITES,
}
_COUNTED = ("cache_read", "cache_write", "output", "reasoning")
_PLACES = {
    "claude-code": "dot-claude",
    "codex": "dot-codex",
    "gemini-cli": "dot-gemini",
    "qwen-code": "dot-qwen",
}
_IMPORTERS = {
    **{tool: tool for tool in _TOLD},
    "aider": "aider",
    "inspect_ai": "inspect-ai",
    "litellm": "litellm",
    "opentelemetry-openai-v2": "otel",
}


def histories(real_data):
    """Each folder with a truth, and the tool that left it."""
    for path in sorted(real_data.glob("clients/histories/*/truth.json")):
        tool = path.parent.name.rsplit("-", 1)[0]
        if tool in _IMPORTERS:
            yield tool, path.parent, json.loads(path.read_text(encoding="utf-8"))


def counted(tool, truth):
    """What the server counted, but for the errands of which the tool keeps nothing."""
    found = Counter()
    for process in truth["processes"]:
        for request in process["requests"]:
            if request["kind"] != "answered" or _is_left_out(tool, request):
                continue
            found["calls"] += 1
            cached = request["cache_read"] + request["cache_write"]
            found["input_with_cache"] += request["input_uncached"] + cached
            found.update({name: request[name] for name in _COUNTED})
    return found


def _is_left_out(tool, request):
    """Tell whether a request is one of the errands of which the tool keeps nothing."""
    if tool == "opencode":  # the call that names a session comes first
        return request["n"] == 1
    return tool == "claude-code" and "haiku" in request["model"]


def used(log):
    """What the log's calls add up to."""
    found = Counter()
    for one in log.read_all():
        if one.type == "llm.usage_recorded":
            found["calls"] += 1
            for name, field in _FIELDS.items():
                found[name] += getattr(one.event, field) or 0
        assert one.type != "llm.usage_amended"
    return found


def test_totals_are_those_of_the_server(real_data):
    """To the token, for every history that is there; a second import adds nothing."""
    seen = []
    for tool, folder, truth in histories(real_data):
        if tool not in _TOLD:
            continue
        with create_log("memory:") as log:
            place = folder / _PLACES.get(tool, ".")
            import_history(log, _IMPORTERS[tool], place)
            again = import_history(log, _IMPORTERS[tool], place)
            names = ("calls", *_TOLD[tool])
            wanted, found = counted(tool, truth), used(log)

            assert {n: wanted[n] for n in names} == {n: found[n] for n in names}, folder.name
            assert 0 == again.added
            assert found["input_with_cache"] + found["output"] == status(log).total_tokens
        seen.append(tool)

    assert seen


def test_what_gateways_and_spans_tell_is_right(real_data):
    """Call by call, where figures were told and not estimated; the rest is marked or unknown."""
    seen = 0
    for tool, folder, truth in histories(real_data):
        if tool not in ("litellm", "opentelemetry-openai-v2"):
            continue
        wanted = {
            f"chatcmpl-{process['label']}-{request['n']}": request
            for process in truth["processes"]
            for request in process["requests"]
            if request["kind"] == "answered"
        }
        with create_log("memory:") as log:
            import_history(log, _IMPORTERS[tool], folder)
            told = [one.event for one in log.read_all() if one.type == "llm.usage_recorded"]
        for event in told:
            request = wanted.get(event.call_id)
            if request is None or event.split != "measured" or event.output_tokens is None:
                continue
            cached = request["cache_read"] + request["cache_write"]

            assert request["input_uncached"] + cached == event.input_tokens, event.call_id
            assert request["output"] == event.output_tokens
            seen += 1

    assert seen > 4


def test_estimates_are_never_measured(real_data):
    """What aider tells are its own estimates, in each version."""
    splits = set()
    for tool, folder, _truth in histories(real_data):
        if tool == "aider":
            with create_log("memory:") as log:
                import_history(log, "aider", folder)
                splits |= {e.event.split for e in log.read_all() if e.type == "llm.usage_recorded"}

    assert {"inferred"} == splits


@pytest.mark.skipif(
    importlib.util.find_spec("genai_prices") is None, reason="genai-prices is not installed"
)
def test_prices_of_others_come_to_what_the_tools_wrote_down(real_data):
    """By another's table, at each call's moment, to the last digit; what it lacks is counted."""
    seen = 0
    for tool, folder, _truth in histories(real_data):
        with create_log("memory:") as log:
            import_history(log, _IMPORTERS[tool], folder / _PLACES.get(tool, "."))
            found = usage(log, prices="genai")
        row, unpriced = found.repricing.total, found.repricing.total.unpriced_calls
        seen += row.compared_calls

        assert () == found.repricing.differences, folder.name
        assert row.compared_usd == row.compared_table_usd, folder.name
        assert row.priced_calls + unpriced == found.total.use.calls

    assert seen > 4


_AT_HOME = {
    **{tool: f".{place.removeprefix('dot-')}" for tool, place in _PLACES.items()},
    "llm": ".config/io.datasette.llm",
    "opencode": ".local/share/opencode",
}


def typed(*words):
    """What a command prints; it must go well."""
    command = [sys.executable, "-m", "autopack", *map(str, words)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)

    assert 0 == done.returncode, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_home_of_them_goes_from_import_to_an_estimate(real_data, tmp_path):
    """All that is there is found, counted once, and teaches what the next phase will write."""
    tools, calls = set(), 0
    for tool, folder, truth in histories(real_data):
        if tool in _AT_HOME:
            place = tmp_path / "home" / _AT_HOME[tool]
            shutil.copytree(folder / _PLACES.get(tool, "."), place, dirs_exist_ok=True)
            (place / "truth.json").unlink(missing_ok=True)
            tools.add(tool)
            calls += counted(tool, truth)["calls"]
    log = ["--log", tmp_path / "history.db"]
    typed("log", "create", tmp_path / "history.db")
    first = json.loads(typed(*log, "import", "auto", tmp_path / "home", "--yes", "--json"))
    again = json.loads(typed(*log, "import", "auto", tmp_path / "home", "--yes", "--json"))
    rule = ["--category", "uncategorised", "--complexity", "medium", "--json"]
    before = json.loads(typed(*log, "estimate", *rule))
    (used,) = [json.loads(typed(*log, "usage", "--json"))["total"]["calls"]]
    typed(*log, "calibrate", "--out", tmp_path / "reports")
    (proposal,) = (tmp_path / "reports").glob("*.json")
    typed(*log, "calibrate", "apply", proposal)
    after = json.loads(typed(*log, "estimate", *rule))

    assert tools == {one["importer"] for one in first}
    assert not any(one["added"] for one in again)
    assert not any(one["findings"]["set_aside"] for one in first)
    assert calls == used
    assert after["predicted_output_tokens"] < before["predicted_output_tokens"]
