"""A calibration as text: what was used, what was set aside and why, and what to do next."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import floor
from typing import Any, Final

import attrs

from autopack.ports.prediction import Group, Proposal
from autopack.report.escaping import in_code, in_markdown

_LITTLE_CHANGE: Final = 0.02
_NEARLY_ALL: Final = 0.99
_SMALL: Final = 0.1

_REASONS: Final = {
    "unmeasured_split": "their calls' output was guessed from a total, not measured",
    "unsuccessful": "the attempt failed, so its output may be cut short or beside the point",
    "truncated": "the output hit a limit, so its true size is unknown",
    "other_estimator": "another estimator predicted them",
    "other_estimator_version": "the estimator had other multipliers when it predicted them",
    "imported_without_version": (
        "they were imported, and do not say which version of the estimator predicted them"
    ),
    "test_data": "their source's own tests wrote them",
    "repeat": "the same run, phase, prediction and measurement came before",
    "superseded": "the output was cut off, and a later attempt of the phase went as far",
    "no_outcome": "the attempt has no end yet, was given up, or waits at a gate",
    "no_output": "nothing was written, which says nothing of sizes",
    "no_measurement": "nobody recorded how large the output was",
    "no_prediction": "there was no prediction above zero to compare with",
    "small_group": "their group is smaller than the minimum",
}
_MEANT: Final = (
    "Actual and predicted are means, in tokens. Ratio is the median of one over the other, and the "
    "proposed multiplier follows from it where a group passes: samples and confidence enough."
)
_GATES: Final = ("min_samples", "confidence_threshold")


def report_name(at: datetime) -> str:
    """Return the report's file name without its ending, stamped with *at* as it is given."""
    return f"token_estimator_calibration_{at:%Y%m%d_%H%M%S}"


def calibration_json(proposal: Proposal) -> dict[str, Any]:
    """Return the proposal as JSON-simple values; groups in the proposal's order."""
    return {
        "calibrator": proposal.calibrator,
        "estimator": proposal.estimator,
        "base_version": proposal.base_version,
        "new_version": proposal.new_version,
        "samples_used": proposal.samples_used,
        "samples_set_aside": dict(proposal.samples_set_aside),
        "groups": [attrs.asdict(group) for group in proposal.groups],
        "high_confidence": proposal.high_confidence,
        "old": dict(proposal.old),
        "new": dict(proposal.new),
        "settings": dict(proposal.settings),
        "logs": [dict(log) for log in proposal.logs],
        "note": proposal.note,
        "expected": None if proposal.expected is None else dict(proposal.expected),
    }


def calibration_markdown(proposal: Proposal, *, at: datetime) -> str:
    """Return the proposal as a report for people, in Markdown; *at* is when it was made."""
    sections = [_head(proposal, at), _evidence(proposal)]
    if proposal.groups:
        sections += [_table(proposal), _next_steps(proposal)]
    if proposal.expected and proposal.expected.get("samples"):
        sections.append(_effect(proposal.expected))
    if not proposal.is_change:
        sections.append(_nothing(proposal))
    return "\n\n".join(sections) + "\n"


def next_step(group: Group, proposal: Proposal) -> str:
    """Return what to do about one group, as a sentence."""
    if proposal.note:
        apart = f" ({group.note})" if group.note != proposal.note and group.note else ""
        return (
            f"Keep its multiplier: this group is shown for information only{apart}. Its median "
            f"output is {group.median_ratio:.2f} of the prediction."
        )
    minimum = proposal.settings.get("min_samples", 1)
    if group.n < minimum:
        return f"Collect {_count(minimum - group.n, 'more sample')}; its multiplier is kept."
    if not group.is_high_confidence:
        why = group.note or f"confidence {group.confidence:.3f}"
        return (
            f"Keep its multiplier: {why}. "
            "More samples help, and so does splitting work of unlike sizes."
        )
    key = f"{group.category}/{group.complexity}"
    old, new = proposal.old.get(key, 1.0), proposal.new.get(key, group.proposed_multiplier)
    if abs(group.median_ratio - 1) <= _LITTLE_CHANGE:
        return f"Predictions fit; applying changes little ({old:.3f} to {new:.3f})."
    move = "Raise" if new > old else "Lower"
    return (
        f"{move} its predictions by {_percent(abs(new / old - 1))}: "
        f"apply, and its multiplier goes from {_multiplier(old)} to {_multiplier(new)}."
    )


def _percent(change: float) -> str:
    """Return a change in percent; what is nearly all of it with its thousandths."""
    return f"{floor(1000 * change) / 10:g}%" if _NEARLY_ALL < change < 1 else f"{change:.0%}"


def _multiplier(value: float) -> str:
    return f"{value:.3f}" if value >= _SMALL else f"{value:.2g}"


def _head(proposal: Proposal, at: datetime) -> str:
    lines = [
        "# Token estimator calibration",
        "",
        f"- Made: {at.isoformat(timespec='seconds')}",
        f"- Calibrator: {in_markdown(proposal.calibrator)}",
        f"- Estimator: {in_markdown(proposal.estimator)}, "
        f"version {in_markdown(proposal.base_version)}",
    ]
    if proposal.is_change:
        lines.append(f"- Version once applied: {in_markdown(proposal.new_version)}")
    lines += [
        f"- {in_markdown(name.replace('_', ' '))}: {in_markdown(_setting(value))}"
        for name, value in sorted(proposal.settings.items())
    ]
    lines += [f"- Read: {_log_line(log)}" for log in proposal.logs]
    return "\n".join(lines)


def _setting(value: Any) -> Any:
    """Return a setting as people read it; several are told apart by semicolons."""
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value)) or "none"
    return "none" if value is None else value


def _log_line(log: Any) -> str:
    return in_markdown(", ".join(f"{name} {value}" for name, value in log.items()))


def _evidence(proposal: Proposal) -> str:
    aside = sum(proposal.samples_set_aside.values())
    lines = [
        "## Evidence",
        "",
        f"Used: {_count(proposal.samples_used, 'sample')} in "
        f"{_count(len(proposal.groups), 'group')}, {proposal.high_confidence} of high confidence. "
        f"Set aside: {_count(aside, 'attempt')}.",
    ]
    if aside:
        lines += ["", *_aside_lines(proposal)]
    return "\n".join(lines)


def _aside_lines(proposal: Proposal) -> Iterator[str]:
    counts = proposal.samples_set_aside
    for reason in sorted(counts, key=lambda name: (-counts[name], name)):
        why = _REASONS.get(reason, "the calibrator gives no more than this word")
        yield f"- {counts[reason]} {in_code(reason)}: {why}."


def _table(proposal: Proposal) -> str:
    header = "| group | samples | actual | predicted | ratio | confidence | multiplier | passes |"
    rule = "|---|--:|--:|--:|--:|--:|--:|---|"
    return "\n".join(["## Groups", "", header, rule, *map(_row, proposal.groups), "", _MEANT])


def _row(group: Group) -> str:
    cells = (
        in_markdown(f"{group.category}/{group.complexity}"),
        f"{group.n}",
        f"{group.mean_actual:.0f}",
        f"{group.mean_estimated:.0f}",
        f"{group.median_ratio:.3f}",
        f"{group.confidence:.2f}",
        f"{group.proposed_multiplier:.3f}",
        "yes" if group.is_high_confidence else "no",
    )
    return f"| {' | '.join(cells)} |"


def _next_steps(proposal: Proposal) -> str:
    lines = (
        f"- {in_markdown(f'{group.category}/{group.complexity}')}: "
        f"{in_markdown(next_step(group, proposal))}"
        for group in proposal.groups
    )
    return "\n".join(["## What to do next", "", *lines])


def _effect(expected: Mapping[str, Any]) -> str:
    before, after = expected["before"], expected["after"]
    return (
        "## What to expect\n\n"
        f"Each part of the evidence judged by what the parts before it speak for "
        f"({_count(expected['samples'], 'sample')}): mean absolute error {before['mae']:.0f} to "
        f"{after['mae']:.0f} tokens, in percent (SMAPE) {before['smape']:.1f} to "
        f"{after['smape']:.1f} %, "
        f"underestimated {100 * before['underestimated']:.0f} to "
        f"{100 * after['underestimated']:.0f} %."
    )


def _nothing(proposal: Proposal) -> str:
    return f"## Nothing is proposed\n\n{_why_nothing(proposal)}"


def _why_nothing(proposal: Proposal) -> str:
    if proposal.note:
        return in_markdown(proposal.note)
    if proposal.high_confidence:
        return "The multipliers in use fit the evidence. Leave them as they are."
    if proposal.samples_used:
        gates = [name for name in _GATES if name in proposal.settings]
        if not gates:
            return "No group has evidence enough. Record more successful attempts."
        options = ", ".join(f"--{name.replace('_', '-')}" for name in gates)
        return (
            "No group passes. Record more successful attempts, or accept less evidence: "
            f"{options} (in Python {', '.join(gates)})."
        )
    if proposal.samples_set_aside:
        return (
            "Every sample was set aside; the list above says why. Record runs whose calls "
            "report their measured output, with the estimator that is in use."
        )
    return (
        "There is not one sample. A sample is a predicted attempt with its calls' usage: drain "
        "some phases, or import a history, then calibrate again."
    )


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
