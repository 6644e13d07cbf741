"""The faults that are put into the core can be put there, and one that nobody notices is told."""

import attrs
import pytest
from tests.long import mutants
from tests.long.__main__ import main
from tests.long.mutants import MUTANTS, ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.what.replace(" ", "-"))
def test_each_has_a_place_and_tests(mutant):
    """What it replaces stands once in the core as it is now."""
    text = (ROOT / "src" / "autopack" / mutant.file).read_text("utf-8")

    assert 1 == text.count(mutant.old)
    assert mutant.old != mutant.new
    assert all((ROOT / path).is_file() for path in mutant.tests.split())


def test_each_is_told_apart():
    """By what would go out unnoticed."""
    assert len(MUTANTS) == len({one.what for one in MUTANTS})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({}, 0, "killed    format/upcast.py"),
        ({"new": "range(schema, known):  # alike"}, 1, "SURVIVED"),
    ],
)
def test_one_is_killed_or_told(capsys, monkeypatch, change, code, told):
    """A fault that no test notices is one of the tests."""
    (one,) = [one for one in MUTANTS if one.file == "format/upcast.py"]
    one = attrs.evolve(one, old="range(schema, known):", **change) if change else one
    monkeypatch.setattr(mutants, "MUTANTS", (one,))
    answer = main(["mutants"])

    assert code == answer
    assert told in capsys.readouterr().err
