"""Runs any calibrator over samples, and counts what was set aside and why."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import attrs

from autopack.ports.calibrator_protocol import BulkCalibrator, Calibrator
from autopack.ports.prediction import Proposal, Sample

S = TypeVar("S")


def run_calibrator(calibrator: Calibrator[S], samples: Iterable[Sample]) -> Proposal:
    """
    Return what *calibrator* proposes after *samples*, which are read once, in order.

    Samples that it sets aside are counted by reason, beside those that its proposal counts.
    """
    state, aside = folded(calibrator, calibrator.initial(), samples)
    proposal = calibrator.propose(state)
    counts = Counter(aside) + Counter(proposal.samples_set_aside)
    return attrs.evolve(proposal, samples_set_aside=dict(sorted(counts.items())))


def folded(
    calibrator: Calibrator[S], state: S, samples: Iterable[Sample]
) -> tuple[S, Mapping[str, int]]:
    """Return the state after *samples*, and how many were set aside by reason."""
    if isinstance(calibrator, BulkCalibrator):
        found: tuple[S, Mapping[str, int]] = calibrator.update_all(state, samples)
        return found
    aside: Counter[str] = Counter()
    for sample in samples:
        reason = reason_of(calibrator, state, sample)
        if reason is None:
            state = calibrator.update(state, sample)
        else:
            aside[reason] += 1
    return state, aside


def reason_of(calibrator: Any, state: Any, sample: Sample) -> str | None:
    """Return why a calibrator may not use a sample; None if it does not say."""
    judge = getattr(calibrator, "set_aside", None)
    return None if judge is None else judge(state, sample)
