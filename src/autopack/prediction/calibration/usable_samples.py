"""Which samples say how large an output is, whatever predicted it."""

from typing import Literal

from autopack.ports.prediction import Sample

Stratum = Literal["succeeded", "failed"]


def unfit_as_size(sample: Sample) -> str | None:
    """
    Return why a sample says nothing about the size of an output, or None.

    A truncated one does: the output is at least as large as what was seen of it. So does a
    failed one, but about failures (see :func:`stratum`).
    """
    if sample.is_test:
        return "test_data"
    if sample.split != "measured":
        return "unmeasured_split"
    if sample.actual_output_tokens is None:
        return "no_measurement"
    if sample.actual_output_tokens == 0:
        return "no_output"
    if sample.success is None and not sample.truncated:
        return "no_outcome"
    return "superseded" if sample.is_superseded else None


def stratum(sample: Sample) -> Stratum:
    """
    Return which attempts the sample speaks for.

    An attempt that failed because its output was cut off speaks, as far as it goes, for those
    that succeed: that is what it was on the way to.
    """
    return "succeeded" if sample.success or sample.truncated else "failed"


def size_of(sample: Sample) -> int:
    """Return the output in tokens, at least 1; negative if it was cut off at that size."""
    tokens = max(1, sample.actual_output_tokens or 0)
    return -tokens if sample.truncated else tokens


def identity_of(sample: Sample) -> str:
    """Return what a repeat has in common; empty, and so never repeated, without run and phase."""
    run, phase = sample.run_id, sample.phase_id
    if run is None and phase is None:
        return ""
    return f"{run}\0{phase}\0{sample.predicted_output_tokens}\0{sample.actual_output_tokens}"
