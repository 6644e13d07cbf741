"""The checks that the library brings along: ``deliverables`` and ``json``."""

import json

import pytest

from autopack import PhaseSpec
from autopack.draining.checks.deliverables_check import deliverables
from autopack.draining.checks.json_check import JsonCheck
from autopack.errors import InvalidInputError
from autopack.testing.checks import CheckContract, work_of

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


class TestDeliverables(CheckContract):
    """What was asked for is there, and not empty."""

    def make(self):
        """Return the check."""
        return deliverables

    def right(self, folder):
        """One file in the folder, one output."""
        (folder / "a.md").write_text("text")
        spec = PhaseSpec("p", deliverables=["Create a.md", "b.md"])
        return work_of(spec, {"b.md": "text"}, folder=folder)

    def wrong(self, folder):
        """A file that is not there."""
        return work_of(PhaseSpec("p", deliverables=["a.md"]), {"b": "text"}, folder=folder)


class TestJson(CheckContract):
    """An output that is as a schema says."""

    def make(self):
        """Return the check."""
        pytest.importorskip("jsonschema")
        return JsonCheck(schema=SCHEMA)

    def right(self, folder):
        """It has what the schema asks for."""
        return work_of(PhaseSpec("p"), {"result": '{"n": 1}'}, folder=folder)

    def wrong(self, folder):
        """It has something else."""
        return work_of(PhaseSpec("p"), {"result": '{"n": "1"}'}, folder=folder)


@pytest.mark.parametrize(
    ("asked", "outputs", "says"),
    [
        (["a.md", "gone.md"], {}, "gone.md is missing"),
        (["empty.md"], {}, "empty.md is empty"),
        (["docs"], {}, True),
        (["hollow"], {}, "hollow is empty"),
        (["a.md"], {"a.md": " \n"}, "output a.md is empty"),
        (["empty.md"], {"empty.md": "text"}, True),
        (["../outside.md"], {}, "../outside.md is missing"),
        (["a.md", "x", "y"], {}, "x is missing; y is missing"),
        ([], {"result": "text"}, True),
        ([], {"result": ""}, "it names no deliverables, and gave no output that is not empty"),
        ([], {}, "it names no deliverables, and gave no output that is not empty"),
    ],
)
def test_each_deliverable_is_looked_for(asked, outputs, says, tmp_path):
    """Among the outputs first, then in the folder, never outside of it."""
    folder = tmp_path / "work"
    (folder / "docs").mkdir(parents=True)
    (folder / "hollow").mkdir()
    for name, text in (("a.md", "a"), ("empty.md", ""), ("docs/b.md", "b")):
        (folder / name).write_text(text)
    (tmp_path / "outside.md").write_text("text")
    work = work_of(PhaseSpec("p", deliverables=asked), outputs, folder=folder)

    assert says == deliverables(work)


def answer(outputs, payload=None, **options):
    """Return what the check answers of these outputs, in words if it is a result."""
    work = work_of(PhaseSpec("p", payload=payload), outputs, folder=None)
    found = JsonCheck(**options).check(work)
    return getattr(found, "says", found), getattr(found, "verdict", None)


def test_an_output_is_json_at_least():
    """Without a schema, and without the library, that is all that is asked."""
    assert (True, None) == answer({"a": "[1]"})
    assert "output a is no JSON" in answer({"a": "{"})[0]
    assert ("it gave no output", None) == answer({})
    assert ("it gave no output 'b'", None) == answer({"a": "1"}, output="b")
    assert "could_not_run" == answer({"a": "1", "b": "2"})[1]
    assert (True, None) == answer({"a": "{", "b": "2"}, output="b")


@pytest.mark.usefixtures("tmp_path")
class TestSchemas:
    """A schema is given, read from a file, or the phase's own."""

    @pytest.fixture(autouse=True)
    def _library(self):
        pytest.importorskip("jsonschema")

    def test_it_says_where_it_differs(self):
        """With the place in the document, and what was expected there."""
        (said, _verdict) = answer({"a": '{"n": "x"}'}, schema=SCHEMA)

        assert "output a, $.n: 'x' is not of type 'integer'" == said

    def test_a_file_has_it(self, tmp_path):
        """By its path."""
        (tmp_path / "s.json").write_text(json.dumps(SCHEMA))

        assert (True, None) == answer({"a": '{"n": 2}'}, schema=str(tmp_path / "s.json"))

    def test_the_phase_has_it(self):
        """In its payload; where it has none the check could not run."""
        options = {"schema": "payload.expected.schema"}
        payload = {"expected": {"schema": SCHEMA}}

        assert (True, None) == answer({"a": '{"n": 2}'}, payload, **options)
        assert "required" in answer({"a": "{}"}, payload, **options)[0]
        assert "could_not_run" == answer({"a": "{}"}, {"expected": 1}, **options)[1]

    @pytest.mark.parametrize("schema", [{"type": 3}, "/no/such/file.json", 7, ["a"]])
    def test_what_is_no_schema_is_refused(self, schema):
        """When the check is made, before there is any work."""
        with pytest.raises(InvalidInputError, match="schema of the check 'json'"):
            JsonCheck(schema=schema)

    def test_nothing_is_fetched(self):
        """A schema elsewhere is one that cannot be had."""
        with pytest.raises(Exception, match=r"Unresolvable|example"):
            answer({"a": "{}"}, schema={"$ref": "http://example.com/s.json"})
