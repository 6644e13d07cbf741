"""What a calibration report holds, as JSON-simple values; the pages show nothing else."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import attrs

from autopack.ports.prediction import Group, Proposal, Sample
from autopack.prediction.calibration.backtesting import Backtest
from autopack.prediction.calibration.error_tiers import (
    MOST_TRUNCATED,
    MOST_UNDERESTIMATED,
    is_judged,
    tiers_of,
)
from autopack.prediction.calibration.estimator_state import ProposalRecord, Taught
from autopack.prediction.calibration.intervals import LEVEL, fewest_for
from autopack.prediction.calibration.scores import ALL
from autopack.report.backtest_text import backtest_json
from autopack.report.proposal_text import next_step

_MOST_PAIRS: Final = 1500
_DIGITS: Final = 6
_WASTES: Final = (0.25, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0, 8.0, 16.0, 32.0)


@attrs.frozen(kw_only=True)
class Evaluation:
    """
    All that a report is made of.

    Args:
        target: How the log is named to people.
        log_id: The log that was read, up to *position*.
        samples: All of them, as a calibrator is shown them.
        proposal: What the evidence speaks for now.
        taught: What is applied, one on the other, the estimator's own figures first.
        proposals: Every proposal and what became of it.
        measures: By measure other than output, how well what phases take was predicted; those
            that the log tells.
    """

    target: str
    log_id: str
    position: int
    made_at: datetime
    estimator: str
    samples: Sequence[Sample]
    proposal: Proposal
    taught: Sequence[Taught]
    proposals: Sequence[ProposalRecord]
    backtest: Backtest
    measures: Sequence[Backtest] = ()


def evaluation_json(found: Evaluation) -> dict[str, Any]:
    """Return the report's values; figures are rounded to six digits."""
    judged = [sample for sample in found.samples if is_judged(sample)]
    return {
        "target": found.target,
        "log_id": found.log_id,
        "position": found.position,
        "made_at": found.made_at.isoformat(timespec="seconds"),
        "estimator": found.estimator,
        "version": found.taught[-1].version,
        "samples": len(found.samples),
        "judged": len(judged),
        "judged_of_version": sum(
            one.estimator_version == found.taught[-1].version for one in judged
        ),
        "targets": {"underestimated": MOST_UNDERESTIMATED, "truncated": MOST_TRUNCATED},
        "tiers": [_rounded(attrs.asdict(tier)) for tier in tiers_of(judged)],
        "groups": [_group(group, found.proposal) for group in found.proposal.groups],
        "set_aside": dict(found.proposal.samples_set_aside),
        "proposal": {
            "calibrator": found.proposal.calibrator,
            "is_change": found.proposal.is_change,
            "note": found.proposal.note,
            "expected": found.proposal.expected and dict(found.proposal.expected),
        },
        "backtest": backtest_json(found.backtest),
        "measures": [_measure(one) for one in found.measures],
        "courses": {
            name: [[row, *(round(one, _DIGITS) for one in bounds)] for row, *bounds in steps]
            for name, steps in found.backtest.courses.items()
        },
        "pairs": _pairs(judged),
        "wastes": _wastes(judged),
        "history": [_taught(number, one, found) for number, one in enumerate(found.taught)],
        "proposals": [_proposal(one) for one in found.proposals],
    }


def headline(data: Mapping[str, Any]) -> str:
    """Return in a sentence how the estimator does and what comes first."""
    whole = next((tier for tier in data["tiers"] if tier["stratum"] == "all"), None)
    if whole is None:
        return (
            "No prediction has been met by a measured output yet: drain some phases, or import a "
            "history, then look again."
        )
    if len(data["history"]) > 1 and not data["judged_of_version"]:
        return (
            f"The estimates were corrected, to version {data['version']}, and nothing has been "
            "measured since: what follows is of the estimates before."
        )
    if whole["truncated"] > data["targets"]["truncated"]:
        return "Too many outputs are cut off: raise budgets before anything else."
    if whole["underestimated_most"] > data["targets"]["underestimated"]:
        return (
            "Too many outputs are larger than predicted: apply what the groups below propose, or "
            "budget by a quantile."
        )
    if (whole["waste_p50"] or 0) > _WASTEFUL:
        return "Budgets hold, and predictions are far above the outputs: lower them."
    return "Both targets are met: leave the estimator as it is."


_WASTEFUL: Final = 2.0


def _measure(found: Backtest) -> dict[str, Any]:
    """Return how well phases were predicted in a measure: the score of all that succeeded."""
    score = next(one for one in found.scores if one.group == ALL)
    return {
        "measure": found.by,
        "phases": found.rows,
        "untold": found.set_aside.get("no_measurement", 0),
        **_rounded(attrs.asdict(score)),
    }


def _group(group: Group, proposal: Proposal) -> dict[str, Any]:
    held = _rounded(attrs.asdict(group))
    held["multiplier"] = proposal.old.get(f"{group.category}/{group.complexity}", 1.0)
    held["interval_needs"] = fewest_for(proposal.settings.get("interval", LEVEL))
    held["advice"] = next_step(group, proposal)
    return held


def _pairs(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Return predicted and actual sizes, evenly thinned out if there are very many."""
    stride = max(1, -(-len(samples) // _MOST_PAIRS))
    return [
        {
            "predicted": sample.predicted_output_tokens,
            "actual": sample.actual_output_tokens,
            "category": sample.category,
            "outcome": "cut off"
            if sample.truncated
            else "failed"
            if sample.success is False
            else "succeeded",
        }
        for sample in samples[::stride]
    ]


def _wastes(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Return how many outputs there are by prediction over output, in steps of about two."""
    ratios = [
        sample.predicted_output_tokens / (sample.actual_output_tokens or 1)
        for sample in samples
        if sample.actual_output_tokens and not sample.truncated
    ]
    edges = [0.0, *_WASTES, float("inf")]
    return [
        {
            "above": low,
            "up_to": None if high == float("inf") else high,
            "count": sum(low < ratio <= high for ratio in ratios),
        }
        for low, high in pairwise(edges)
    ]


def _taught(number: int, one: Taught, found: Evaluation) -> dict[str, Any]:
    record = next((r for r in found.proposals if r.proposal_id == one.proposal_id), None)
    decided = record.decided_at if record else None
    return {
        "step": number,
        "version": one.version,
        "at": decided.isoformat(timespec="seconds") if decided else None,
        "multipliers": {key: round(value, _DIGITS) for key, value in one.multipliers.items()},
    }


def _proposal(record: ProposalRecord) -> dict[str, Any]:
    decided = record.decided_at
    return {
        "proposal_id": record.proposal_id,
        "status": record.status,
        "calibrator": record.calibrator,
        "version": record.estimator_version,
        "decided_at": decided.isoformat(timespec="seconds") if decided else None,
        "by": record.by,
        "why": record.why,
        "is_current": record.is_current,
    }


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, _DIGITS) if isinstance(value, float) else value
        for name, value in values.items()
    }
