"""Phases of a history: categories by rules, predictions to be measured, sessions of our own."""

import pytest

from autopack import calibrate, create_log, import_history, load_plugins, status
from autopack.errors import InvalidInputError
from autopack.events import LlmUsageRecorded, PhaseCompleted, PhaseQueued, RunCreated
from autopack.events.usage import usage_id
from autopack.ports.importing import ImportSource
from autopack.ports.log import ANY, NewEvent
from autopack.values.ids import derived_id
from drains import found


class Sessions:
    """Tells sessions of one turn each, with one call."""

    name = "sessions"

    def __init__(self, *sessions):
        self.sessions = sessions

    def recognises(self, path):
        return False

    def read(self, path):
        told = (event for session in self.sessions for event in self.told(**session))
        return ImportSource(events=told, known_by_id=True)

    def told(self, key, *, goal="Do it", category="uncategorised", **labels):
        run, place = f"run-{key}", f"phase-{key}/turn"
        created = RunCreated(run_id=key, source_fields={"session_id": f"s-{key}"})
        queued = PhaseQueued(run_id=key, phase_id="turn", index=1, category=category,
                             complexity="medium", goal=goal, labels=labels)  # fmt: skip
        used = LlmUsageRecorded(run_id=key, phase_id="turn", attempt=1, call_id=key, provider="x",
                                input_tokens=10, output_tokens=300)  # fmt: skip
        done = PhaseCompleted(run_id=key, phase_id="turn", attempt=1)
        for stream, event in ((run, created), (run, queued), (place, used), (place, done)):
            event_id = derived_id("sessions", key, event.TYPE)
            if event is used:
                event_id = usage_id("x", key)
            yield stream, NewEvent(event=event, event_id=event_id)


@pytest.fixture
def log():
    with create_log("memory:") as made:
        yield made


def categories(log, tmp_path, *sessions, rules=()):
    import_history(log, Sessions(*sessions), tmp_path, categories=rules)
    return [event.category for event in found(log, "phase.queued")]


def test_the_first_rule_that_matches_counts(log, tmp_path):
    """By label or goal, whatever the case; a category that was told stays."""
    rules = ["tests=goal:pytest", "docs=branch:docs/*", "shop=project:SHOP", "rest=tool:*"]
    told = [
        {"key": "a", "goal": "Run PyTest again", "branch": "docs/x"},
        {"key": "b", "branch": "Docs/Intro", "project": "shop"},
        {"key": "c", "project": "shop"},
        {"key": "d", "tool": "claude-code"},
        {"key": "e", "category": "bugfix", "project": "shop"},
        {"key": "f", "project": "shopping"},
    ]

    wanted = ["tests", "docs", "shop", "rest", "bugfix", "uncategorised"]
    assert wanted == categories(log, tmp_path, *told, rules=[*rules[:3], "rest=tool:claude*"])


def test_a_branch_says_it_where_its_word_is_known(log, tmp_path):
    """The word before the slash, if the vocabulary or a plugin knows it."""
    branches = ["fix/cart", "feature/cart", "renovate/cart", "main", "fix"]
    told = [{"key": f"k{n}", "branch": branch} for n, branch in enumerate(branches)]

    wanted = ["bugfix", "implementation", *["uncategorised"] * 3]
    assert wanted == categories(log, tmp_path, *told)


def test_a_plugin_may_know_the_word(tmp_path):
    """The hook for categories is asked about a branch's word."""
    from types import SimpleNamespace

    from autopack import hookimpl

    @hookimpl
    def autopack_category_for(category):
        return "upkeep" if category == "renovate" else None

    plugins = load_plugins(extra=[SimpleNamespace(autopack_category_for=autopack_category_for)])
    with create_log("memory:", plugins=plugins) as log:
        assert ["upkeep"] == categories(log, tmp_path, {"key": "a", "branch": "renovate/x"})


@pytest.mark.parametrize(
    "rule", ["", "tests", "tests=", "tests=goal", "=goal:x", "tests=goal:", "t=:x"]
)
def test_a_rule_of_another_form_is_refused(log, tmp_path, rule):
    """Its form is said, and nothing is imported."""
    with pytest.raises(InvalidInputError) as refused:
        import_history(log, Sessions({"key": "a"}), tmp_path, categories=[rule])

    assert ("category", rule) == (refused.value.name, refused.value.value)
    assert 0 == log.head().position


def test_what_was_written_can_be_calibrated(log, tmp_path):
    """Each phase has a prediction of the default estimator, so its output is a sample."""
    sessions = [{"key": f"k{n}"} for n in range(12)]
    import_history(log, Sessions(*sessions), tmp_path)
    again = import_history(log, Sessions(*sessions), tmp_path)
    proposal = calibrate(log)

    assert 0 == again.added
    assert (12, 12) == (status(log).samples, proposal.samples_used)
    assert [300.0] == [group.mean_actual for group in proposal.groups]


def test_sessions_that_the_log_ran_are_left_out(log, tmp_path):
    """What an attempt of this log recorded of a session is not counted again from its history."""
    live = LlmUsageRecorded(run_id="r", phase_id="p", attempt=1, lease_token="t", call_id="t/s-a/m",
                            output_tokens=300, source_fields={"session_id": "s-a"})  # fmt: skip
    log.append("phase-r/p", [live], expected_version=ANY)
    report = import_history(log, Sessions({"key": "a"}, {"key": "b"}), tmp_path)

    assert {"sessions_that_this_log_ran": 1} == report.findings
    assert (2, 600) == (status(log).calls, status(log).output_tokens)
    assert ["b"] == [event.run_id for event in found(log, "run.created")]


def test_a_prediction_is_the_same_beside_others(tmp_path):
    """What is predicted of a phase does not depend on which phases were told before it."""
    sessions = [
        {"key": "a", "goal": "Mend the cart"},
        {"key": "b", "goal": "Mend the till"},
        {"key": "c", "goal": "Write a user guide with examples", "category": "docs"},
        {"key": "d", "goal": "Mend the cart", "category": "tests"},
        {"key": "e", "goal": "Mend the cart", "category": "docs"},
    ]
    together = predictions(tmp_path, *sessions)
    alone = [one for session in sessions for one in predictions(tmp_path, session)]

    assert alone == together


def predictions(tmp_path, *sessions):
    with create_log("memory:") as log:
        import_history(log, Sessions(*sessions), tmp_path)
        return found(log, "phase.estimated")
