"""Files of tasks: what rows they hold, in each form, and what is wrong with one that holds none."""

import pytest

from autopack.errors import InvalidInputError
from autopack.exchange.task_files import parse_tasks, read_tasks

ROWS = [{"id": "a", "goal": 'say "hi", twice'}, {"id": "b", "goal": "größer\nzwei Zeilen"}]
TEXTS = {
    "csv": 'id,goal\na,"say ""hi"", twice"\n\nb,"größer\nzwei Zeilen"\n',
    "tsv": 'id\tgoal\na\t"say ""hi"", twice"\nb\t"größer\nzwei Zeilen"\n',
    "jsonl": '{"id": "a", "goal": "say \\"hi\\", twice"}\n\n'
    '{"id": "b", "goal": "größer\\nzwei Zeilen"}\n',
    "json": '[{"id": "a", "goal": "say \\"hi\\", twice"},'
    ' {"id": "b", "goal": "größer\\nzwei Zeilen"}]',
}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_each_form_holds_the_same_rows(tmp_path, kind, mark):
    """Whatever the form, with or without a byte order mark, from a file or through a pipe."""
    path = tmp_path / f"tasks.{kind}"
    path.write_text(mark + TEXTS[kind], encoding="utf-8")

    assert ROWS == read_tasks(path)
    assert ROWS == parse_tasks(mark + TEXTS[kind], "the pipe")


def test_a_text_is_a_row_that_has_a_goal():
    """A list of texts needs no columns."""
    assert [{"goal": "one"}, {"goal": "two"}] == parse_tasks('["one", "two"]', "the pipe")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("t.csv", "id,goal\na\n", "line 2: 1 cells under 2 columns"),
        ("t.csv", "id,,goal\na,b,c\n", "column 2 has no name"),
        ("t.csv", "id,id\na,b\n", "two columns are called 'id'"),
        ("t.csv", 'id\n"a', "line 2"),
        ("t.jsonl", '{"id": 1}\n{"id"\n', "line 2: not JSON"),
        ("t.jsonl", "3\n", "line 1: 3 is no object"),
        ("t.json", '{"id": 1}', "it is a dict; give a list of rows"),
        ("t.json", "[" * 100_000, "nested too deeply"),
        ("t.txt", "one\n", "must end in one of .csv, .tsv"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, name, text, told):
    """A malformed file is refused whole, by line."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError) as refused:
        read_tasks(path)

    assert told in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    """A missing one, and one in another coding."""
    other = tmp_path / "other.csv"
    other.write_bytes(b"id\n\xff\n")

    with pytest.raises(InvalidInputError, match="it cannot be read"):
        read_tasks(tmp_path / "none.csv")
    with pytest.raises(InvalidInputError, match="it is no UTF-8"):
        read_tasks(other)
