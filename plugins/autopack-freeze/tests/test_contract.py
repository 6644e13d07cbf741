"""The projection and the events keep the promises of their kinds."""

from pathlib import Path

from hypothesis import strategies as st

from autopack.testing.events import EventContract
from autopack.testing.generators import events_of
from autopack.testing.histories import histories
from autopack.testing.projections import ProjectionContract
from autopack_freeze import FREEZES, plugin
from autopack_freeze.events import FreezeLifted, FreezeSet


class TestFreezes(ProjectionContract):
    """Among histories of any kind, and in any order."""

    def make(self):
        return FREEZES

    def events(self):
        few = {"name": st.sampled_from(("a", "b"))}
        own = st.lists(events_of(FreezeSet, **few) | events_of(FreezeLifted, **few), max_size=9)
        return own | st.tuples(histories(), own).map(lambda both: [*both[0], *both[1]])


class TestEvents(EventContract):
    """What was stored says for ever what it said."""

    def make(self):
        return plugin

    def pin(self):
        return Path(plugin.__file__).with_name("format.txt")
