"""Usage rows say how far their split can be believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack_legacy import LegacyImporter
from autopack_legacy.usage import is_guessed


def usage(database):
    """Return the one usage event, and the findings."""
    source = LegacyImporter().read(database.path)
    ((_, new),) = source.events
    return new.event, source.findings


@pytest.mark.parametrize(
    ("role", "prompt", "completion", "odd"),
    [("builder", 4, 6, 0), ("doctor", 700, 301, 0), ("builder", 900, 100, 1), ("x", 1, 2, 1)],
)
def test_first_schema_is_always_inferred(first, role, prompt, completion, odd):
    """The first schema's writer guessed every split; shares that nobody knows are counted."""
    first.add("llm_usage_events", role=role, prompt_tokens=prompt, completion_tokens=completion)
    event, findings = usage(first)

    assert ("inferred", prompt, completion) == (
        event.split,
        event.input_tokens,
        event.output_tokens,
    )
    assert prompt + completion == event.total_tokens
    assert odd == findings["splits_of_unknown_shares"]


@pytest.mark.parametrize(
    ("total", "prompt", "completion", "expected"),
    [
        (1000, 900, 100, ("measured", 1000, 900, 100)),
        (1000, 400, 600, ("inferred", 1000, 400, 600)),
        (1001, 400, 601, ("inferred", 1001, 400, 601)),
        (1000, None, None, ("total_only", 1000, None, None)),
        (1000, 700, None, ("total_only", 1000, None, None)),
        (1000, 900, 200, ("total_only", 1000, None, None)),
        (0, None, None, ("total_only", None, None, None)),
        (-5, None, None, ("total_only", None, None, None)),
    ],
)
def test_later_schema_goes_by_evidence(later, total, prompt, completion, expected):
    """A split is measured if it adds up and is not the one made up for its role."""
    later.add(
        "llm_usage_events", total_tokens=total, prompt_tokens=prompt, completion_tokens=completion
    )
    event, _ = usage(later)

    found = (event.split, event.total_tokens, event.input_tokens, event.output_tokens)
    assert expected == found


def test_figures_that_are_not_said_are_kept(later):
    """A half split is kept as the source has it, and reported."""
    later.add("llm_usage_events", total_tokens=10, prompt_tokens=9, completion_tokens=9)
    event, findings = usage(later)

    assert (10, 9, 9) == tuple(
        event.source_fields[name] for name in ("total_tokens", "prompt_tokens", "completion_tokens")
    )
    assert 1 == findings["splits_that_do_not_add_up"]


def test_unknown_models_are_null(later):
    """A model named unknown is no name; role and doctor columns are kept."""
    later.add("llm_usage_events", model="unknown", total_tokens=5, is_doctor_call=1, role="doctor")
    event, findings = usage(later)

    assert (None, "doctor", 1) == (
        event.request_model,
        event.role,
        event.source_fields["is_doctor_call"],
    )
    assert 1 == findings["usage_of_unnamed_models"]


@given(total=st.integers(0, 10**9), role=st.sampled_from(["builder", "auditor", "doctor"]))
def test_a_made_up_split_is_always_seen(total, role):
    """Whatever way the share was rounded, the split is recognised."""
    share = {"builder": 0.4, "auditor": 0.6, "doctor": 0.7}[role]

    assert is_guessed(role, int(total * share), total - int(total * share))
    assert is_guessed(role, round(total * share), total - round(total * share))
    assert not is_guessed("agent:unheard", int(total * share), total - int(total * share))
