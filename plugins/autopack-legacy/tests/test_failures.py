"""Fingerprints and zero-yield reasons, as the old system gave them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack_legacy import fingerprint, is_llm_boundary, normalize_error, zero_yield_reason


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("At line 7 of C:\\tmp\\a.py:12", "at line num of path:num"),
        ("GET http://host:80/runs/x", "get http:path:numpath"),
        ("2025-12-28T16:22:03 drain-20251228-162203", "datettime drain-id"),
        ("ptr 0x7fAB in step3", "ptr addr in step3"),
        (None, ""),
    ],
)
def test_normalize_error(text, normal):
    """What differs from run to run is replaced, the oddities of the old system included."""
    assert normal == normalize_error(text)


@given(st.text())
def test_normal_form_is_calm(text):
    """Any text has a normal form without runs of blanks, and case makes no difference to it."""
    normal = normalize_error(text)

    assert " ".join(normal.split()) == normal
    assert normal == normalize_error(text.lower())


@pytest.mark.parametrize(
    ("returncode", "part"),
    [(-1, "|timeout"), (143, "|timeout143"), (0, "|rc0"), (2, "|rc2"), (None, "")],
)
def test_fingerprint_names_the_return_code(returncode, part):
    """Timeouts have names, an unknown return code is left out."""
    found = fingerprint("FAILED", returncode, "boom 3")

    assert f"FAILED{part}|boom num" == found


def test_fingerprint_is_cut():
    """Only the first 200 characters of the normal form count."""
    found = fingerprint("FAILED", 1, "x" * 500)

    assert "FAILED|rc1|" + "x" * 200 == found


@pytest.mark.parametrize(
    ("success", "telemetry", "returncode", "output", "reason"),
    [
        (False, 3, 1, "", None),
        (False, -1, 1, "", "execution_error"),
        (True, 0, 0, "max_turns", "success_no_llm_calls"),
        (False, None, -1, "max_turns", "timeout"),
        (False, 0, 2, "Message Limit", "llm_boundary_hit"),
        (False, 0, 2, "Run not found", "failed_before_llm"),
        (False, 0, None, "", "unknown"),
        (False, 0, 0, None, "unknown"),
    ],
)
def test_zero_yield_reason(success, telemetry, returncode, output, reason):
    """The first rule that fits decides."""
    assert reason == zero_yield_reason(success, telemetry, returncode, output)


def test_boundary_words_need_their_own_form():
    """An option named max_tokens is no boundary, the words are."""
    assert not is_llm_boundary("max_tokens=8192")
    assert is_llm_boundary("raise MAX TOKENS")
