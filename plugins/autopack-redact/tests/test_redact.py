"""Secrets are taken out before they are stored, and nothing else is."""

import re
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autopack
from autopack import Failed, PhaseSpec, load_plugins
from autopack.errors import InvalidInputError, PluginError
from autopack_redact import Redactor, plugin

PLAIN = Redactor()
SECRETS = {
    "sk-ant-api03-Xb4nDf7kQ2mZ8rLw": "[redacted]",
    "sk-proj-Xb4nDf7kQ2mZ8rLw_aaaa": "[redacted]",
    "sk-" + "a1B2" * 12: "[redacted]",
    "sk_live_" + "a1B2" * 6: "[redacted]",
    "ghp_" + "a1B2" * 9: "[redacted]",
    "gho_" + "a1B2" * 9: "[redacted]",
    "github_pat_" + "a1B2_" * 5: "[redacted]",
    "glpat-" + "a1B2-" * 5: "[redacted]",
    "AKIAIOSFODNN7EXAMPLE": "[redacted]",
    "ASIAIOSFODNN7EXAMPLE": "[redacted]",
    "AIza" + "a1B2_" * 7: "[redacted]",
    "xoxb-123456789012-abcdef": "[redacted]",
    "xapp-1-A0123-456-0123456789abcdef": "[redacted]",
    "hf_" + "a1B2" * 8: "[redacted]",
    "gsk_" + "a1B2" * 13: "[redacted]",
    "xai-" + "a1B2" * 20: "[redacted]",
    "npm_" + "a1B2" * 9: "[redacted]",
    "ya29." + "a1B2" * 9: "[redacted]",
    "SG." + "a1B2" * 5 + "." + "a1B2" * 10: "[redacted]",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.s3cr3t-s3cr3t": "[redacted]",
    "https://me:hunter2@host/x": "https://me:[redacted]@host/x",
    "postgresql://ann:p%40ss@db:5432/logs": "postgresql://ann:[redacted]@db:5432/logs",
    "https://host/v1?api_key=hunter2hunter2&n=1": "https://host/v1?api_key=[redacted]&n=1",
    "Authorization: Bearer abcdefghijklmnop": "Authorization: Bearer [redacted]",
    "Bearer abcdefghijklmnop": "Bearer [redacted]",
    "authorization: basic bWU6aHVudGVyMg==": "authorization: basic [redacted]",
    "X-Api-Key: hunter2hunter2": "X-Api-Key: [redacted]",
    "aws_secret_access_key = " + "wJal/rXU" * 5: "aws_secret_access_key = [redacted]",
    "-----BEGIN RSA PRIVATE KEY-----\nTUlJ\n-----END RSA PRIVATE KEY-----": "[redacted]",
    "-----BEGIN PRIVATE KEY-----\nTUlJ cut off": "[redacted]",
    "\nTUlJQ0\nTUlJ\n-----END PRIVATE KEY-----": "\n[redacted]",
}
HARMLESS = (
    "the bearer of bad news, a basic thing",
    "risk-averse-and-very-long-hyphenated-word",
    "https://host/path?x=1 and https://ann@host/",
    "src/keys.py: 14 tests, sha256 " + "0123456789abcdef" * 4,
    "ghost_writer, AKIA, eyJ, sk-1",
    "task-2024-11-28-QA-report-final, disk-0123456789abcdef0123456789abcdef01234567",
    "https://host/?monkey=3&page_token=7, a private key, ya29, SG.x",
)
# What of each must not be left, its beginning and its end: the rest of a key is one half known.
PARTS = {
    secret: [part for part in re.split(r"[^A-Za-z0-9_%-]+", secret) if part not in words]
    for secret, words in ((secret, left) for secret, left in SECRETS.items())
}


def left_of(secret, text):
    """Return what of a secret is still told by a text."""
    parts = [part for part in PARTS[secret] if len(part) > 3]
    return [end for part in parts for end in (part[:12], part[-8:]) if end in text]


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    monkeypatch.delenv("AUTOPACK_REDACT_PATTERNS", raising=False)
    plugin._redactor.cache_clear()
    yield
    plugin._redactor.cache_clear()


def test_it_is_found_by_its_entry_point():
    """Installed means redacting, without a fault."""
    (info,) = [i for i in load_plugins().infos if i.distribution == "autopack-redact"]

    assert (("hook autopack_redact",), ()) == (info.provides, info.faults)


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_taken_out(secret):
    """Wherever it stands in a text; what is around it stays."""
    assert f"before {SECRETS[secret]}" == PLAIN.redacted(f"before {secret}")
    if "cut off" not in secret and not secret.startswith("\n"):
        assert f"({SECRETS[secret]}), after" == PLAIN.redacted(f"({secret}), after")


@pytest.mark.parametrize("first", SECRETS)
@pytest.mark.parametrize("between", ["", "-", "_", ".", "/", ":", "=", "@", '"', ",", " ", "\\n"])
def test_neighbours_do_not_hide_each_other(first, between):
    """Two secrets side by side, with next to nothing between them: nothing is left of either."""
    left = {
        second: told
        for second in SECRETS
        if (text := PLAIN.redacted(f"{first}{between}{second}"))
        and (told := left_of(first, text) + left_of(second, text))
    }

    assert {} == left


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text):
    """Words, paths, digests and URLs are what people look for."""
    assert text == PLAIN.redacted(text)


BETWEEN = (
    " ",
    "\n",
    "@",
    ":",
    "/",
    "=",
    ".",
    "://",
    "Bearer ",
    "sk-",
    "eyJ",
    "x-api-key:",
    "?key=",
)
PIECES = st.one_of(
    st.sampled_from([*SECRETS, *HARMLESS, *BETWEEN]),
    st.builds(
        lambda secret, start, end: secret[start:end],
        st.sampled_from(list(SECRETS)),
        st.integers(0, 60),
        st.integers(0, 60),
    ),
    st.text(max_size=4),
)


@given(parts=st.lists(PIECES, max_size=8))
def test_what_was_redacted_is_left_alone(parts):
    """Once is enough, so that a log's own export can be brought in again."""
    once = PLAIN.redacted("".join(parts))

    assert once == PLAIN.redacted(once)


GROWING = {
    "words": "the quick brown fox jumped over it. ",
    "hexadecimal digits": "0123456789abcdef",
    "blanks": " ",
    "ends of tasks": "ask-",
    "beginnings of keys": "xsk-aB1",
    "beginnings of tokens": "eyJ-",
    "halves of tokens": "eyJabcdefghijk.",
    "URLs": "://a:",
    "queries": "&" + "a" * 39,
    "headers": "bearer ",
    "beginnings of private keys": "-----BEGIN A",
    "ends of private keys": "QUJD\n-----END PRIVATE KEY-----",
    "names of keys": 'secretaccesskey="',
    "keys": "AKIAIOSFODNN7EXAMPLE ",
}


def seconds(text):
    """The least time of several that a text takes."""
    times = []
    for _again in range(4):
        began = time.process_time()
        PLAIN.redacted(text)
        times.append(time.process_time() - began)
    return min(times)


@pytest.mark.parametrize("piece", GROWING.values(), ids=GROWING)
def test_the_work_grows_as_the_text_does(piece):
    """Four times the text takes about four times as long, not sixteen, whatever it is made of."""
    short, long = (piece * (n // len(piece)) for n in (100_000, 400_000))

    assert seconds(long) < 9 * seconds(short)


class TestEnvironment:
    """What the process itself knows to be secret."""

    def test_values_of_secret_variables_are_taken_out(self):
        """By the names of the variables; what is too short to be one is not."""
        found = Redactor.of_environment(
            {
                "SERVICE_API_KEY": "correct horse",
                "service_token": "correct horse battery",
                "MY_PASSWORD": "short",
                "KEYBOARD": "qwertz layout",
                "PRIVATE_KEY": "redacted",
            }
        )

        assert ("correct horse battery", "correct horse") == found.values
        assert "a [redacted], [redacted], short" == found.redacted(
            "a correct horse battery, correct horse, short"
        )

    @pytest.mark.parametrize("value", ["Xb4nDf7k", "a1B2a1B2"])
    def test_a_value_within_a_key_leaves_nothing_of_the_key(self, value):
        """The key is found first, whole; so it is if a pattern of one's own is within it."""
        keys = "sk-ant-api03-Xb4nDf7kQ2mZ8rLw and ghp_" + "a1B2" * 9

        assert "[redacted] and [redacted]" == Redactor(values=(value,)).redacted(keys)
        assert "[redacted] and [redacted]" == Redactor(patterns=(value,)).redacted(keys)

    def test_a_file_names_more_patterns(self, tmp_path):
        """One a line, with remarks between them."""
        file = tmp_path / "patterns.txt"
        file.write_text("# customers\n\nC-\\d{6}\n", encoding="utf-8")
        found = Redactor.of_environment({"AUTOPACK_REDACT_PATTERNS": str(file)})

        assert "for [redacted]" == found.redacted("for C-204117")

    @pytest.mark.parametrize("text", [None, "C-(\n"])
    def test_a_file_that_cannot_be_used_is_an_error(self, tmp_path, text):
        """It says which file, or which expression."""
        file = tmp_path / "patterns.txt"
        if text is not None:
            file.write_text(text, encoding="utf-8")

        with pytest.raises(InvalidInputError, match=r"patterns\.txt|'C-\('"):
            Redactor.of_environment({"AUTOPACK_REDACT_PATTERNS": str(file)})


class TestLogs:
    """In real logs."""

    def test_a_log_never_holds_it(self, tmp_path, monkeypatch):
        """Neither in an event nor beside the log, by a failing agent that prints its key."""
        monkeypatch.setenv("SERVICE_API_KEY", "correct horse battery")

        def execute(phase, attempt):
            attempt.attach("stderr", "refused: correct horse battery")
            return Failed("auth", "401 for sk-ant-api03-Xb4nDf7kQ2mZ8rLw", retryable=False)

        with autopack.create_log(tmp_path / "work.db") as log:
            autopack.create_run(log, "r", [PhaseSpec("p", category="docs", complexity="low")])
            autopack.drain(log, executor=execute)
            (failed,) = [r.event for r in log.read_all() if r.type == "phase.failed"]
            beside = log.artifacts.get(failed.artifacts["stderr"])

        assert ("401 for [redacted]", "refused: [redacted]") == (failed.message, beside)
        assert b"Xb4nDf7kQ2mZ8rLw" not in (tmp_path / "work.db").read_bytes()

    def test_what_cannot_be_looked_at_is_not_stored(self, monkeypatch):
        """A wrong setting refuses the append, and names the plugin and the file."""
        monkeypatch.setenv("AUTOPACK_REDACT_PATTERNS", "/nowhere/patterns.txt")
        with autopack.create_log("memory:") as log:
            with pytest.raises(PluginError, match=r"redact.*nowhere/patterns\.txt"):
                autopack.create_run(log, "r", goal="anything")

            assert 0 == log.head().position


def test_the_plugin_is_light():
    """Loading it compiles no pattern."""
    code = (
        "import sys, autopack_redact.plugin; "
        "print([m for m in ('autopack_redact.redactor', 'autopack_redact.patterns') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
