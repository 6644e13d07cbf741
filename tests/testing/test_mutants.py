"""Each suite bites: every mutant fails it in the right test, and what is sound passes."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autopack.testing.mutants import MUTANTS

HERE = Path(__file__).parent
BROKEN = [mutant for mutant in MUTANTS if mutant.caught_by]
SOUND = [mutant for mutant in MUTANTS if not mutant.caught_by]
ONE_SCREEN = 70
"""The lines in which pytest says what broke, with the source of the test around it."""
SUITES = sorted({mutant.suite.__name__ for mutant in MUTANTS})


def _desk():
    """The environment of somebody who looks on: on a server pytest shortens no difference."""
    return {name: given for name, given in os.environ.items() if name not in ("CI", "BUILD_NUMBER")}


def place(mutant):
    name = f"Test_{mutant.name}"
    return name if mutant.caught_by is None else f"{name}::{mutant.caught_by}"


@pytest.mark.slow
def test_every_mutant_is_caught_where_it_should_be(tmp_path):
    """Each fails the test that is named for it; its sound twin passes all of the suite."""
    report = tmp_path / "report.xml"
    cases = [f"{HERE / 'mutated.py'}::{place(mutant)}" for mutant in MUTANTS]
    options = ("-q", "-n", "0", "-p", "no:cacheprovider", "--timeout", "60", "-W", "ignore")
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--junitxml", report, *cases],
        env={**_desk(), "HYPOTHESIS_PROFILE": "mutants"},
        cwd=HERE.parent.parent,
        capture_output=True,
        check=False,
    )
    ran, failed, told = defaultdict(set), defaultdict(set), defaultdict(int)
    for case in ElementTree.parse(report).iter("testcase"):
        kind, test = case.get("classname").rpartition(".")[2], case.get("name").partition("[")[0]
        ran[kind].add(test)
        if case.find("failure") is not None or case.find("error") is not None:
            failed[kind].add(test)
            told[kind] = max(told[kind], len("".join(case.itertext()).splitlines()))

    assert {m.name: {m.caught_by} for m in BROKEN} == {
        m.name: failed[f"Test_{m.name}"] for m in BROKEN
    }
    assert {m.name: set() for m in SOUND} == {m.name: failed[f"Test_{m.name}"] for m in SOUND}
    assert all(ran[f"Test_{m.name}"] for m in SOUND)
    assert {} == {kind: n for kind, n in told.items() if n > ONE_SCREEN}


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_has_mutants_and_a_sound_twin(suite):
    """A suite without a mutant is not known to bite."""
    of_suite = [mutant for mutant in MUTANTS if mutant.suite.__name__ == suite]

    assert 1 == sum(mutant.caught_by is None for mutant in of_suite)
    assert 5 <= len(of_suite)


@pytest.mark.parametrize("suite", SUITES)
def test_a_failing_assert_says_which_values_differ(suite):
    """The asserts of every part of a suite are rewritten, so none fails without a word."""
    kind = next(mutant.suite for mutant in MUTANTS if mutant.suite.__name__ == suite)
    modules = [sys.modules[part.__module__] for part in kind.__mro__[:-1]]

    assert [] == [module.__name__ for module in modules if "@pytest_ar" not in vars(module)]


def test_mutants_have_names_of_their_own():
    """So that a report says which one it was."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
