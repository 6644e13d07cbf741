"""What the workspace adds to what a phase says of itself."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.ports.prediction import Features, PhaseSpec
from autopack.ports.work import PhaseView
from autopack.prediction.features import features_of
from autopack.prediction.same_work import tasks_of


def phase(*deliverables, category="implementation", **others):
    """Return a low phase that writes *deliverables*."""
    return PhaseSpec("p1", category=category, complexity="low", deliverables=deliverables, **others)


@pytest.fixture
def workspace(tmp_path):
    """Return a folder with one short file, beside a file that is not in it."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "short.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "outside.py").write_text("x = 1\n", encoding="utf-8")
    return folder


SHORT = pytest.approx(0.7 * 0.9 * 0.9, abs=1e-4)


def test_features_of_a_phase():
    """Words are standard ones, and what the phase is given is counted."""
    asked = PhaseSpec(
        "p1",
        category="IMPLEMENT_FEATURE",
        complexity="Simple",
        deliverables=["Create src/a.py", "Modify tests/test_a.py"],
        inputs={"spec": "text"},
        model="small",
        prompt_tokens=12,
    )

    assert Features(
        category="implementation",
        complexity="low",
        deliverables=("Create src/a.py", "Modify tests/test_a.py"),
        files=(("backend", True, 1.0), ("test", False, 1.0)),
        context_texts=1,
        model="small",
        prompt_tokens=12,
        tasks=tasks_of(None, goal=None, inputs={"spec": "text"}),
    ) == features_of(asked)


def test_a_phase_in_a_run_has_the_same_features():
    """A phase is described alike before and after it is queued, when it also has a name."""
    view = PhaseView(
        run_id="r1",
        phase_id="p1",
        order=1,
        category="implementation",
        complexity="low",
        deliverables=("src/a.py",),
    )

    named = tasks_of("r1/p1", goal=None, inputs=None)
    assert attrs.evolve(features_of(phase("src/a.py")), tasks=named) == features_of(view)


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("short.py", ("backend", False, SHORT)),
        ("Modify short.py (again)", ("backend", False, SHORT)),
        ("Create short.py", ("backend", True, 1.0)),
        ("missing.py", ("backend", True, 1.0)),
        ("Modify missing.py", ("backend", False, 1.0)),
        ("../outside.py", ("backend", True, 1.0)),
        (".", ("backend", True, 1.0)),
        ("nul\0.py", ("backend", True, 1.0)),
    ],
)
def test_the_workspace_decides_where_the_text_does_not(workspace, text, file):
    """A file that is there is changed, unless the text says otherwise; none outside is seen."""
    assert (file,) == features_of(phase(text), workspace=workspace).files


def test_absolute_paths_and_links_lead_nowhere_outside(workspace):
    """Neither an absolute path nor a link makes a file outside the workspace seen."""
    outside = workspace.parent / "outside.py"
    (workspace / "link.py").symlink_to(outside)
    (workspace / "loop.py").symlink_to(workspace / "loop.py")
    found = features_of(phase(str(outside), "link.py", "loop.py"), workspace=workspace)

    assert (("backend", True, 1.0),) * 3 == found.files


def test_without_a_workspace_files_are_new():
    """With neither a verb nor a workspace, a file counts as new."""
    assert (("backend", True, 1.0),) == features_of(phase("short.py")).files


@pytest.mark.parametrize("content", [b"\x7fELF\0\0", b"\0"])
def test_a_binary_file_is_an_ordinary_one(workspace, content):
    """A file that is no text has the factor 1.0."""
    (workspace / "short.py").write_bytes(content)

    assert (("backend", False, 1.0),) == features_of(phase("short.py"), workspace=workspace).files


def test_a_large_file_is_harder(workspace):
    """Length, imports and depth raise the factor, up to 2.0."""
    lines = ["import a"] * 20 + [f"{' ' * 20}x = 1"] * 600
    (workspace / "short.py").write_text("\n".join(lines), encoding="utf-8")
    ((_, _, factor),) = features_of(phase("short.py"), workspace=workspace).files

    assert 2.0 == factor


def test_text_in_another_encoding_is_read(workspace):
    """Bytes that are not UTF-8 do not stop it."""
    (workspace / "short.py").write_bytes(b"x = '\xff\xfe'\n")

    assert (("backend", False, SHORT),) == features_of(phase("short.py"), workspace=workspace).files


def test_a_file_that_appears_is_seen_at_once(workspace):
    """Nothing is remembered between two looks."""
    before = features_of(phase("late.py"), workspace=workspace)
    (workspace / "late.py").write_text("x = 1\n", encoding="utf-8")
    after = features_of(phase("late.py"), workspace=workspace)

    assert (("backend", True, 1.0),) == before.files
    assert (("backend", False, SHORT),) == after.files


@pytest.mark.parametrize(
    ("deliverables", "ledger"),
    [(("docs/CHANGELOG.md",), True), (("README.md", "src/changelog.py"), False), ((), False)],
)
def test_a_running_record_is_noticed(deliverables, ledger):
    """A phase that writes a changelog, by its whole name, is marked."""
    assert ledger is features_of(phase(*deliverables)).ledger


def test_a_goal_is_not_copied():
    """Of the goal only what it asks for is kept."""
    found = features_of(phase(goal="Document the secret API from scratch"))

    assert ("research",) == found.goal_words


@given(text=st.text(), category=st.text(min_size=1).filter(str.strip), goal=st.none() | st.text())
def test_no_text_is_refused(tmp_path_factory, text, category, goal):
    """Whatever a phase is asked to write, it has features."""
    asked = phase(text, category=category, goal=goal)
    found = features_of(asked, workspace=tmp_path_factory.getbasetemp())

    assert len(found.deliverables) == len(found.files)
