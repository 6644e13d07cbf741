"""The estimator and the calibrator that the hook reference shows keep what their kinds promise."""

import contextlib
import functools
import io
from pathlib import Path

from autopack.testing.calibrators import CalibratorContract
from autopack.testing.estimators import EstimatorContract
from docs.running import blocks_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "plugin_hooks.md"


@functools.cache
def shown(name):
    """Return a class of the page, made by running it as far as it goes to define that."""
    names = {"__name__": "__page__"}
    for block in blocks_of(PAGE):
        if name in names:
            break
        if block.language == "python" and block.title is None:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(block.text, names)
    return names[name]


class TestFlat(EstimatorContract):
    """The one that says the same of every phase, times what it was taught."""

    def make(self):
        return shown("Flat")()


class TestLargest(CalibratorContract):
    """The one that says the largest output of a group so far."""

    def make(self):
        return shown("Largest")()
