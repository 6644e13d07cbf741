"""The projection keeps the promises of every projection, over its own events too."""

from hypothesis import strategies as st

from autopack.testing.generators import events_of
from autopack.testing.histories import histories
from autopack.testing.projections import ProjectionContract
from autopack_freeze import FREEZES
from autopack_freeze.events import FreezeLifted, FreezeSet


class TestFreezes(ProjectionContract):
    """Among histories of any kind, and in any order."""

    def make(self):
        return FREEZES

    def events(self):
        few = {"name": st.sampled_from(("a", "b"))}
        own = st.lists(events_of(FreezeSet, **few) | events_of(FreezeLifted, **few), max_size=9)
        return own | st.tuples(histories(), own).map(lambda both: [*both[0], *both[1]])
