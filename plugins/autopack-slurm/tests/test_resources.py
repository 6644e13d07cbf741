"""What Slurm is asked for; and what is said where there is none."""

import pytest

from autopack.errors import InvalidInputError, PluginError
from autopack.testing.launchers import ordered
from autopack_slurm.jobs import SlurmLauncher
from autopack_slurm.resources import asked


def test_what_is_offered_is_asked_for():
    """Amounts are rounded up; words are all asked for; one's own way comes first."""
    offers = {"gpu": 2, "cpus": 1.5, "memory_gb": 0.5, "label": ["eu", "x"], "partition": ["a"]}
    own = {"gpu": "--gpus={}", "tpu": "--gres=tpu:{}"}

    assert [] == asked({}, own)
    assert ["--gpus=1", "--gres=tpu:3"] == asked({"tpu": 3, "gpu": 1}, own)
    assert [
        "--cpus-per-task=2", "--gres=gpu:2", "--constraint=eu&x", "--mem=512M", "--partition=a",
    ] == asked(offers, {})  # fmt: skip


def test_what_nobody_knows_how_to_ask_for_is_refused():
    """With what is known, and how to say it."""
    with pytest.raises(InvalidInputError, match="Nobody says how to ask Slurm for 'tpu'") as told:
        asked({"tpu": 1}, {"disk": "--tmp={}"})

    assert "cpus, disk, gpu" in str(told.value)


def test_options_are_a_list():
    """A text would be taken letter by letter."""
    with pytest.raises(InvalidInputError, match="give a list of texts"):
        SlurmLauncher(options="--exclusive")


def test_a_machine_without_slurm_says_so(monkeypatch, tmp_path):
    """As an error of the launcher."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PluginError, match="there is no squeue here: install Slurm's clients"):
        SlurmLauncher().running("x")


def test_none_is_started_where_none_is_asked_for(monkeypatch, tmp_path):
    """An array without tasks would be refused."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert [] == SlurmLauncher().start(ordered("true"), 0)
