"""The legacy functions give the old system's answers for every recorded case."""

import json

import pytest

autopack_legacy = pytest.importorskip("autopack_legacy")

pytestmark = pytest.mark.real


def cases(real_data, name):
    """Return the cases of a golden file."""
    text = (real_data / "goldens" / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_fingerprints(real_data):
    """Normal forms and fingerprints are those of the old system."""
    for case in cases(real_data, "fingerprint_cases.jsonl"):
        text = case["text"]
        found = autopack_legacy.fingerprint(case["final_state"], case["returncode"], text)

        assert case["normalized"] == autopack_legacy.normalize_error(text)
        assert case["fingerprint"] == found


def test_zero_yield_reasons(real_data):
    """Boundaries and reasons are those of the old system."""
    for case in cases(real_data, "zero_yield_cases.jsonl"):
        facts = [case[name] for name in ("success", "telemetry", "returncode", "stdout")]

        assert case["boundary"] == autopack_legacy.is_llm_boundary(case["stdout"]), case
        assert case["reason"] == autopack_legacy.zero_yield_reason(*facts), case


def test_retry_decisions(real_data):
    """Decisions after an attempt are those of the old system."""
    for case in cases(real_data, "retry_cases.jsonl"):
        expected = {name: case[name] for name in ("next", "diagnostics", "terminal")}
        found = autopack_legacy.retry_decision(case["attempt"], case["max"], case["status"])

        assert expected == found, case


def test_budgets(real_data):
    """Verdicts before and after a call, and raised budgets, are those of the old system."""
    for case in cases(real_data, "budget_enforcer_cases.jsonl"):
        budget = case["budget"]

        assert case["escalated"] == autopack_legacy.escalated_budget(budget)
        if "pre" in case:
            assert case["pre"] == autopack_legacy.enforce_before(case["tokens"], budget)
        for stop, expected in case.get("post", {}).items():
            reason = None if stop == "None" else stop
            assert expected == autopack_legacy.enforce_after(case["tokens"], budget, reason)


def test_estimates(real_data):
    """Predictions, budgets and verdicts are those of the old system, also for files that exist."""
    workspace = real_data / "goldens" / "estimator_workspace"
    for case in cases(real_data, "estimator_cases.jsonl"):
        given = ("deliverables", "category", "complexity", "scope_paths", "task_description")
        found = autopack_legacy.estimate(*(case[name] for name in given), workspace)

        assert case["out"] == found, case["case"]


def test_state_transitions(real_data):
    """The moves of a phase are those of the old system, no more and no fewer."""
    path = real_data / "goldens" / "state_transitions.json"
    expected = json.loads(path.read_text(encoding="utf-8"))["transitions"]

    assert {old: set(new) for old, new in expected.items()} == autopack_legacy.PHASE_MOVES
    assert all(
        (new in expected[old]) == autopack_legacy.may_move(old, new)
        for old in expected
        for new in expected
    )
