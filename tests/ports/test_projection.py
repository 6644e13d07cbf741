"""Projections: made from functions, and checked before anything is folded."""

import pytest

from autopack import projection
from autopack.errors import InvalidInputError
from autopack.events import RunPaused
from autopack.ports.projection import KeyedProjection, WholeProjection, check_projection, is_keyed
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS


@projection(initial=0)
def pauses(n, _recorded):
    """Count."""
    return n + 1


class TestFromAFunction:
    """``@projection`` makes one from a function."""

    def test_it_has_what_a_projection_needs(self):
        """Its name is the function's, its version 1, and it asks for every type."""
        assert ("pauses", 1, None, 0, True) == (
            pauses.name,
            pauses.version,
            pauses.types,
            pauses.initial,
            pauses.envelope,
        )
        assert isinstance(pauses, WholeProjection)
        assert not is_keyed(pauses)

    def test_it_is_still_the_function(self):
        """Calling it does what the function does."""
        assert 4 == pauses(3, None) == pauses.project(3, None)

    def test_what_is_given_replaces_what_is_assumed(self):
        """Name, version, types and envelope can all be named."""
        made = projection(initial=(), name="p", version=3, types=(RunPaused,), envelope=False)(
            lambda view, _event: view
        )

        assert ("p", 3, (RunPaused,), False) == (made.name, made.version, made.types, made.envelope)

    def test_it_cannot_be_changed(self):
        """A projection is a value."""
        with pytest.raises(AttributeError):
            pauses.version = 2


class TestChecked:
    """What is no projection is refused by name of what it lacks."""

    @pytest.mark.parametrize("own", [PHASES, RUNS, ATTEMPTS])
    def test_the_librarys_own_keep_the_protocol(self, own):
        """Each is keyed, has a name and a version, and passes the check."""
        assert isinstance(own, KeyedProjection)
        assert own is check_projection(own)

    @pytest.mark.parametrize(
        ("given", "missing"),
        [
            (object(), "name, version, project, initial"),
            (lambda view, _r: view, "name, version, project, initial"),
        ],
    )
    def test_a_thing_without_parts_says_which(self, given, missing):
        """The message names the missing parts and all that are needed."""
        with pytest.raises(InvalidInputError, match=f"it lacks {missing}.*row_type"):
            check_projection(given)

    def test_a_keyed_one_needs_the_class_of_its_rows(self):
        """Without ``row_type`` its rows could not be read back."""

        class Rowless:
            name, version, types = "x", 1, None

            def key(self, recorded):
                return None

            def project(self, row, recorded):
                return row

        with pytest.raises(InvalidInputError, match=r"it lacks row_type\."):
            check_projection(Rowless())
