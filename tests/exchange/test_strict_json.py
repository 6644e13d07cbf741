"""JSON that says one name twice is refused, wherever a person writes it."""

import pytest

from autopack.errors import InvalidInputError
from autopack.exchange.run_files import read_run_file
from autopack.exchange.strict_json import loaded
from autopack.exchange.task_files import parse_tasks


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '[{"b": {"c": 1, "d": 2, "c": 3}}]'])
def test_a_name_twice_is_refused(text):
    """However deep, and though both say the same."""
    with pytest.raises(ValueError, match="is said twice in one object"):
        loaded(text)


def test_a_name_may_come_again_elsewhere():
    """In another object it is another name."""
    assert [{"a": 1}, {"a": {"a": 2}}] == loaded('[{"a": 1}, {"a": {"a": 2}}]')


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.json", '{"phases": [{"id": "a", "id": "b"}]}'),
        ("run.yaml", "phases:\n- id: a\n  category: docs\n  category: tests\n"),
        ("run.toml", '[[phases]]\nid = "a"\nid = "b"\n'),
    ],
)
def test_a_run_file_says_each_field_once(tmp_path, name, text):
    """The last would win, and nobody would know of the first."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInputError, match=r"twice|overwrite"):
        read_run_file(file)


def test_yaml_may_merge(tmp_path):
    """What a merge brings may be said anew: that is what a merge is for."""
    file = tmp_path / "run.yaml"
    file.write_text(
        "labels: &x {a: b}\nphases:\n- id: p\n  labels:\n    <<: *x\n    a: c\n", encoding="utf-8"
    )

    assert {"a": "c"} == read_run_file(file).phases[0].labels


def test_a_row_says_each_column_once():
    """In JSON lines as in a table."""
    with pytest.raises(InvalidInputError, match="line 1: not JSON: 'id' is said twice"):
        parse_tasks('{"id": "a", "id": "b"}\n', "stdin")
