"""The library's own projections keep the promises of all."""

from autopack.events import RunPaused
from autopack.ports.projection import projection
from autopack.projections.coefficients import COEFFICIENTS
from autopack.projections.pace import PACE
from autopack.projections.phases import PHASES
from autopack.projections.runs import RUNS
from autopack.projections.samples import SAMPLES
from autopack.projections.spend import SPEND
from autopack.projections.usage import USAGE
from autopack.testing.projections import ProjectionContract


class TestPhases(ProjectionContract):
    """The phase board."""

    def make(self):
        return PHASES


class TestRuns(ProjectionContract):
    """The run board."""

    def make(self):
        return RUNS


class TestSamples(ProjectionContract):
    """Predictions met by measurements."""

    def make(self):
        return SAMPLES


class TestSpend(ProjectionContract):
    """What counts towards caps."""

    def make(self):
        return SPEND


class TestUsage(ProjectionContract):
    """Calls and their sums."""

    def make(self):
        return USAGE


class TestPace(ProjectionContract):
    """Usage by quarter of an hour."""

    def make(self):
        return PACE


class TestCoefficients(ProjectionContract):
    """What estimators were taught."""

    def make(self):
        return COEFFICIENTS


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
