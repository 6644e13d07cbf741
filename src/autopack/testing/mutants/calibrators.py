"""Calibrators that break one promise each; all of them count samples and propose nothing else."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from autopack.ports.prediction import Features, Prediction, Proposal, Sample


class Mean:
    """The mean output of the samples: a calibrator that breaks no promise."""

    name = "mean"

    def initial(self) -> Any:
        """Return the state before any sample: every figure, in order."""
        return ()

    def set_aside(self, state: Any, sample: Sample) -> str | None:
        """Leave out what nobody measured."""
        return "unmeasured_split" if sample.actual_output_tokens is None else None

    def update(self, state: Any, sample: Sample) -> Any:
        """Return the state with one figure more."""
        if self.set_aside(state, sample):
            return state
        return (*state, sample.actual_output_tokens)

    def predict(self, state: Any, features: Features, tau: float) -> Prediction:
        """Return the mean, whatever is asked."""
        mean = sum(state) / len(state) if len(state) else 0.0
        return Prediction(tokens=mean, tau=tau, basis="mean")

    def propose(self, state: Any) -> Proposal:
        """Return a proposal that changes nothing, with the mean as its note."""
        return Proposal(
            calibrator=self.name,
            estimator="deliverables",
            base_version="v1",
            new_version="v1",
            samples_used=len(state),
            note=str(list(state)),
        )


class MutatesItsState(Mean):
    """It adds to the list that it was given."""

    def initial(self) -> Any:
        """Return a list."""
        return []

    def update(self, state: Any, sample: Sample) -> Any:
        """Add the figure in place."""
        if not self.set_aside(state, sample):
            state.append(sample.actual_output_tokens)
        return state


class BulkDiffers(Mean):
    """In bulk it forgets the last sample."""

    def update_all(self, state: Any, samples: Iterable[Sample]) -> tuple[Any, Mapping[str, int]]:
        """Return the state after all samples but one."""
        figures = [s.actual_output_tokens for s in samples if not self.set_aside(state, s)]
        aside: dict[str, int] = {}
        return (*state, *figures[:-1]), aside


class UsesGuesses(Mean):
    """A figure that nobody measured counts as 0."""

    def set_aside(self, state: Any, sample: Sample) -> str | None:
        """Leave out nothing."""
        return None

    def update(self, state: Any, sample: Sample) -> Any:
        """Return the state with one figure more, measured or not."""
        return (*state, sample.actual_output_tokens or 0)


class CountsItself(Mean):
    """It keeps the samples in itself, so two folds of one object mix."""

    def __init__(self) -> None:
        self.seen: tuple[int, ...] = ()

    def update(self, state: Any, sample: Sample) -> Any:
        """Return everything that was ever shown."""
        if not self.set_aside(state, sample):
            self.seen = (*self.seen, sample.actual_output_tokens or 0)
        return self.seen


class ReadsTheClock(Mean):
    """Its proposal says when it was made."""

    def propose(self, state: Any) -> Proposal:
        """Return a proposal that differs from moment to moment."""
        return attrs.evolve(super().propose(state), note=f"{time.time_ns()}")


class ChangesWhatItSetsAside(Mean):
    """A sample that it sets aside makes a new state all the same."""

    def update(self, state: Any, sample: Sample) -> Any:
        """Return a copy, also for nothing."""
        return [*state, *([] if self.set_aside(state, sample) else [sample.actual_output_tokens])]


class LosesSamples(Mean):
    """What it does not use is in no count."""

    def update(self, state: Any, sample: Sample) -> Any:
        """Skip what was cut off, and tell nobody."""
        return state if sample.truncated else super().update(state, sample)


class UsesNothing(Mean):
    """No sample is good enough for it."""

    def set_aside(self, state: Any, sample: Sample) -> str | None:
        """Leave out everything."""
        return "too_few"
