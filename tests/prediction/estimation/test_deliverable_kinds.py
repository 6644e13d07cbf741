"""What the text of a deliverable says of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.prediction.estimation import deliverable_kinds, document_costs, phrases

messy = st.recursive(
    st.none() | st.text() | st.integers() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.sets(st.text())
        | st.tuples(inner, inner)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/parser.py", "backend"),
        ("src/parser.go", "backend"),
        ("Makefile", "backend"),
        ("src/test_report.py", "test"),
        ("src/report_test.py", "test"),
        ("src/latest.py", "backend"),
        ("src/contest_entries.py", "backend"),
        ("tests/README.md", "test"),
        ("packages/a/tests/conftest.py", "test"),
        ("src\\tests\\a.py", "test"),
        ("web/button.spec.tsx", "test"),
        ("web/button.test.ts", "test"),
        ("docs/figure.py", "doc"),
        ("./docs/index.html", "doc"),
        ("README.md", "doc"),
        ("test_plan.md", "doc"),
        ("pyproject.toml", "config"),
        ("config/test_settings.yaml", "config"),
        ("migrations/0001_users.py", "config"),
        ("alembic/versions/4f2a.py", "config"),
        ("src/migration_report.py", "backend"),
        ("migrations/0001_users.sql", "sql"),
        ("web/App.svelte", "frontend"),
        ("web/App.VUE", "frontend"),
    ],
)
def test_kind_of_a_path(path, kind):
    """A kind follows from folders, names and suffixes, each taken whole."""
    assert kind == deliverable_kinds.kind_of(path)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("web/app.ts", "frontend"), ("web/api.py", "backend"), ("web/q.sql", "sql")],
)
def test_category_decides_where_the_path_does_not(path, kind):
    """A frontend phase's files are frontend, unless their suffix says otherwise."""
    assert kind == deliverable_kinds.kind_of(path, "Frontend")


@pytest.mark.parametrize(
    ("text", "is_new"),
    [
        ("Create src/x.py", True),
        ("add src/x.py", True),
        ("New file: src/x.py", True),
        ("Modify src/x.py", False),
        ("update: src/x.py", False),
        ("src/address.py", None),
        ("src/create_table.py", None),
        ("add.py", None),
        ("new/x.py", None),
        ("update_notes.md", None),
        ("Address the review in src/x.py", None),
    ],
)
def test_leading_words_say_new_or_modify(text, is_new):
    """Only a whole leading word decides, never a part of a path."""
    assert is_new is phrases.is_new(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("src/x.py", "src/x.py"),
        ("Create src/x.py (the parser)", "src/x.py"),
        ("New file: `src/x.py`", "src/x.py"),
        ("Update src\\a\\x.py, for speed.", "src/a/x.py"),
        ("Modify the parser in src/x.py", "src/x.py"),
        ("e.g. src/x.py", "src/x.py"),
        ("Create Dockerfile", "Dockerfile"),
        ("the parser", "the parser"),
        (".env", ".env"),
        ("src/größe.py", "src/größe.py"),
    ],
)
def test_path_of_a_text(text, path):
    """Verbs, quotes and notes are not part of the path."""
    assert path == deliverable_kinds.path_of(text)


@pytest.mark.parametrize(
    ("path", "suffix"),
    [("a/B.PY", "py"), (".env", ""), ("a.d/b", ""), ("v1.2", ""), ("x.tar.gz", "gz"), ("", "")],
)
def test_extension_of_a_path(path, suffix):
    """A suffix belongs to the file's name and starts with a letter."""
    assert suffix == deliverable_kinds.extension(path)


@pytest.mark.parametrize(
    ("deliverables", "texts"),
    [
        (None, ()),
        (" a.py ", ("a.py",)),
        (["a.py", "", None, ["b.py", ["c.py"]]], ("a.py", "b.py", "c.py")),
        ({"src": ["a.py"], "tests": {"unit": "b.py"}}, ("a.py", "b.py")),
        ({"b.py", "a.py"}, ("a.py", "b.py")),
        ([1, 2.5], ("1", "2.5")),
    ],
)
def test_messy_deliverables_become_texts(deliverables, texts):
    """Nested deliverables are flattened in order, without blanks."""
    assert texts == deliverable_kinds.flatten(deliverables)


def test_a_list_inside_itself_is_read_once():
    """Deliverables that contain themselves do not keep it busy."""
    endless: list[object] = ["a.py"]
    endless.append(endless)

    assert ("a.py",) == deliverable_kinds.flatten(endless)


@pytest.mark.parametrize(
    ("path", "is_ledger"),
    [
        ("CHANGELOG.md", True),
        ("docs/build-history.md", True),
        ("docs/RELEASE_NOTES.md", True),
        ("docs/history_of_rome.md", False),
        ("src/changelog.py", False),
    ],
)
def test_running_records_are_known_by_their_whole_name(path, is_ledger):
    """A ledger is known by its file name, not by a part of it."""
    assert is_ledger is deliverable_kinds.is_ledger(path)


@pytest.mark.parametrize(
    ("names", "asks"),
    [
        (["docs/API_REFERENCE.md"], ("api_reference",)),
        (["docs/examples.md", "docs/usage-guide.md"], ("examples", "usage_guide")),
        (["docs/counterexamples.md"], ()),
        (["docs/therapist_apiary.md"], ()),
        (["docs/comprehensive.md"], ()),
        ([], ()),
    ],
)
def test_names_ask_by_whole_words(names, asks):
    """What a document is asked to be is read from whole words of its name."""
    assert asks == phrases.asks_of_names(names)


@pytest.mark.parametrize(
    ("category", "found", "is_document_work"),
    [
        ("documentation", ["doc"], True),
        ("docs", ["doc", "backend"], False),
        ("implementation", ["doc"], False),
        ("docs", [], False),
    ],
)
def test_document_work(category, found, is_document_work):
    """Document work is of a documentation category and writes documents only."""
    assert is_document_work is document_costs.is_document_work(category, found)


def test_a_deliverable_is_recognised():
    """A text gives path, kind and whether it is new at once."""
    found = deliverable_kinds.recognise("Modify src/x.py (the parser)")

    assert deliverable_kinds.Deliverable(path="src/x.py", kind="backend", is_new=False) == found


@given(text=st.text(), category=st.text())
def test_no_text_is_refused(text, category):
    """Whatever a text says, it has a kind, a path and a suffix."""
    path = deliverable_kinds.path_of(text)
    kind = deliverable_kinds.kind_of(path, category)
    deliverable_kinds.is_ledger(path)
    phrases.asks_of_names([path])

    assert kind in {"backend", "frontend", "test", "doc", "config", "sql"}
    assert deliverable_kinds.extension(path) == deliverable_kinds.extension(path).lower()


@given(deliverables=messy)
def test_flattened_texts_are_stripped_and_never_blank(deliverables):
    """Whatever is given, texts come out, and flattening them again changes nothing."""
    texts = deliverable_kinds.flatten(deliverables)

    assert all(text and text == text.strip() for text in texts)
    assert texts == deliverable_kinds.flatten(list(texts))
