"""The library's own projections keep the promises of all."""

from hypothesis import strategies as st

from autopack.events import RunPaused
from autopack.ports.projection import projection
from autopack.projections.accounts import ACCOUNTS
from autopack.projections.attempts import ATTEMPTS
from autopack.projections.calls import USAGE
from autopack.projections.coefficients import COEFFICIENTS
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS
from autopack.testing.generators import events_of
from autopack.testing.projections import ProjectionContract

FEW = {"account": st.sampled_from("ab"), "model": st.sampled_from([None, "m"])}
OF_ACCOUNTS = st.lists(st.one_of([events_of(cls, **FEW) for cls in ACCOUNTS.types]), max_size=8)


class TestPhases(ProjectionContract):
    """The phase board."""

    def make(self):
        return PHASES


class TestRuns(ProjectionContract):
    """The run board."""

    def make(self):
        return RUNS


class TestAttempts(ProjectionContract):
    """The account of use: what each attempt was predicted to use, used, and came to."""

    def make(self):
        return ATTEMPTS


class TestUsage(ProjectionContract):
    """Calls, one by one, and their sums."""

    def make(self):
        return USAGE


class TestCoefficients(ProjectionContract):
    """What estimators were taught."""

    def make(self):
        return COEFFICIENTS


class TestAccounts(ProjectionContract):
    """Windows and lanes of accounts."""

    def make(self):
        return ACCOUNTS

    def events(self):
        return OF_ACCOUNTS


class TestAFunction(ProjectionContract):
    """One that is made of a function."""

    def make(self):
        @projection(initial={"n": 0})
        def pauses(view, recorded):
            return {"n": view["n"] + 1} if isinstance(recorded.event, RunPaused) else view

        return pauses


class TestABareFunction(ProjectionContract):
    """One that takes the bare event."""

    def make(self):
        @projection(initial=0, types=(RunPaused,), envelope=False)
        def pauses(view, _event):
            return view + 1

        return pauses
