"""Calibrators: folds of samples that say how large the next output will be."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

from autopack.ports.prediction import Features, Prediction, Proposal, Sample

S = TypeVar("S")


class Calibrator(Protocol[S]):
    """
    Fits an estimator to evidence: a pure fold whose state is returned, never mutated.

    A class of calibrators is registered; it takes its options as keyword arguments.
    """

    @property
    def name(self) -> str:
        """The name it is registered under."""

    def initial(self) -> S:
        """Return the state before any sample."""

    def set_aside(self, state: S, sample: Sample) -> str | None:
        """Return why the sample may not be used, or None."""

    def update(self, state: S, sample: Sample) -> S:
        """Return the state after the sample; *state* itself if the sample is set aside."""

    def predict(self, state: S, features: Features, tau: float) -> Prediction:
        """Return the output size at quantile *tau*."""

    def propose(self, state: S) -> Proposal:
        """Return what the evidence so far speaks for."""


CalibratorLike: TypeAlias = str | Calibrator[Any] | type[Calibrator[Any]]
"""A registered name, also with options (``"mixture:tau=0.8"``), a calibrator, or a class of one."""


@runtime_checkable
class BulkCalibrator(Protocol[S]):
    """A calibrator that also takes many samples at once, faster than one by one."""

    def update_all(self, state: S, samples: Iterable[Sample]) -> tuple[S, Mapping[str, int]]:
        """
        Return the state after all samples, and how many were set aside for each reason.

        Both equal what ``set_aside`` and ``update`` give one by one; *state* stays as it was.
        """
