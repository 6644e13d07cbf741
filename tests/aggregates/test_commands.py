"""Commands are values: frozen, named fields, and all of them in the union."""

from typing import get_args

import attrs
import pytest

from autopack.aggregates import commands
from autopack.aggregates.commands import CapCommand, Command, PhaseCommand, RunCommand

CLASSES = [kind for kind in vars(commands).values() if attrs.has(kind)]
OWN = [kind for kind in CLASSES if kind.__module__ == commands.__name__]


def test_every_command_is_in_the_union():
    """A command that decide does not know of cannot be written by accident."""
    unions = (RunCommand, PhaseCommand, CapCommand)

    assert set(OWN) == set(get_args(Command))
    assert set(OWN) == {kind for union in unions for kind in get_args(union)}


@pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)
def test_a_command_is_frozen_and_given_by_name(kind):
    """No command changes after it was made, and no argument is taken by its place."""
    assert all(field.kw_only for field in attrs.fields(kind))
    assert kind.__setattr__ is not object.__setattr__


@pytest.mark.parametrize("kind", get_args(RunCommand), ids=lambda kind: kind.__name__)
def test_a_run_command_names_its_run(kind):
    """The handler finds the stream by it."""
    assert attrs.fields(kind).run_id.default is attrs.NOTHING


@pytest.mark.parametrize("kind", get_args(PhaseCommand), ids=lambda kind: kind.__name__)
def test_a_phase_command_names_its_phase(kind):
    """The handler finds the stream by it."""
    assert attrs.fields(kind).ref.default is attrs.NOTHING


@pytest.mark.parametrize("kind", get_args(CapCommand), ids=lambda kind: kind.__name__)
def test_a_budget_command_names_its_scope(kind):
    """The handler finds the stream by it."""
    assert attrs.fields(kind).scope.default is attrs.NOTHING
